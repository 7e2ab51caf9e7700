"""Reads the Idempotency-Key header: the client's own name for a request, so that a retry makes nothing new."""

import re

from rest_framework.request import Request
from rest_framework.serializers import ValidationError

from bookings.models import MOST_IDEMPOTENCY_KEY

HEADER = "Idempotency-Key"
PATTERN = "[!-~]+"  # visible ASCII, no spaces


def key_of(request: Request) -> str:
    """The request's key; empty if it has none. Raises ValidationError."""
    key: str | None = request.headers.get(HEADER)
    if key is None:
        return ""
    if len(key) > MOST_IDEMPOTENCY_KEY or not re.fullmatch(PATTERN, key):
        raise ValidationError({HEADER: [f"Give 1 to {MOST_IDEMPOTENCY_KEY} visible ASCII characters, without spaces."]})
    return key
