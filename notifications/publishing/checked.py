"""Checks what an application publishes, before anything is written."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from notifications.errors import InvalidContext, InvalidMessage

MOST_KEY, MOST_REFERENCE = 200, 100  # characters
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def as_json(context: Mapping[str, Any]) -> str:
    """The context as JSON that PostgreSQL's jsonb accepts. Raises InvalidContext."""
    if not isinstance(context, Mapping):
        raise InvalidContext(f"it is a {type(context).__name__}")
    try:
        text = json.dumps(dict(context), allow_nan=False, ensure_ascii=False)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:  # UnicodeEncodeError, of a lone surrogate, is a ValueError
        raise InvalidContext(
            str(error) if not isinstance(error, UnicodeError) else "it contains an unpaired surrogate (invalid Unicode)"
        ) from error
    if NUL.search(text):
        raise InvalidContext("it contains a NUL character")
    return text


def check_fields(*, dedupe_key: str, reference: str, replace: str = "") -> None:
    """Raises InvalidMessage."""
    fields = (
        ("dedupe_key", dedupe_key, MOST_KEY),
        ("reference", reference, MOST_REFERENCE),
        ("replace", replace, MOST_KEY),
    )
    for name, text, most in fields:
        if not isinstance(text, str) or len(text) > most or "\x00" in text:
            raise InvalidMessage(f"{name} must be text of at most {most} characters, without NUL.")
    if dedupe_key and replace:
        raise InvalidMessage(
            "Give either dedupe_key or replace: the first keeps the older message, the other the newer."
        )


def check_moments(*, expires_at: datetime | None, send_at: datetime | None) -> None:
    """Raises InvalidMessage."""
    for name, moment in (("expires_at", expires_at), ("send_at", send_at)):
        if moment is not None and (not isinstance(moment, datetime) or timezone.is_naive(moment)):
            raise InvalidMessage(f"{name} must be a datetime with a time zone.")
    if expires_at is not None and send_at is not None and expires_at <= send_at:
        raise InvalidMessage("expires_at must be after send_at: the message would never be sent.")
