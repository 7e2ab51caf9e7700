"""Web push: what is known of a browser that takes messages, and which servers may be posted to. Pure Python.

A browser names the address of its push service itself. Whoever signs up could name any server, one of ours included,
so only known services are taken.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

# The push services of Chrome and Edge on Android, Firefox, Safari, and Edge on Windows; * stands for one or more parts.
SERVICES = (
    "https://fcm.googleapis.com",
    "https://*.push.services.mozilla.com",
    "https://*.push.apple.com",
    "https://*.notify.windows.com",
)
MOST_ENDPOINT = 1000  # characters
MOST_DEVICES = 10  # of one person: the one that signed up first goes


class Device(NamedTuple):
    """A browser that takes push messages: its address at its push service, and the keys to encrypt for it."""

    id: int
    endpoint: str
    p256dh: str
    auth: str


def origin_of(endpoint: str) -> str:
    """Scheme, host and port of `endpoint`; empty for what is no such address."""
    try:
        parts = urlsplit(endpoint)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        return ""
    return f"{parts.scheme}://{parts.hostname}{port}"


def is_at_a_service(endpoint: str, services: Sequence[str]) -> bool:
    """Whether `endpoint` is an address at one of `services`: origins, whose host may begin with `*.`."""
    origin = origin_of(endpoint)
    if not origin or len(endpoint) > MOST_ENDPOINT or any(each <= " " or each > "~" for each in endpoint):
        return False
    scheme, _, host = origin.partition("://")
    for service in services:
        of, _, name = service.rstrip("/").partition("://")
        if scheme == of and (host == name or (name.startswith("*.") and host.endswith(name[1:]))):
            return True
    return False


def are_keys(p256dh: str, auth: str) -> bool:
    """Whether these have the form of a browser's keys (RFC 8291): an uncompressed point of P-256, and 16 bytes."""
    try:
        point, secret = unpadded(p256dh), unpadded(auth)
    except ValueError:
        return False
    return len(point) == 65 and point[0] == 4 and len(secret) == 16


def unpadded(text: str) -> bytes:
    """The bytes of base64url, with or without padding. Raises ValueError."""
    bare = text.rstrip("=")
    try:
        found = urlsafe_b64decode(bare.encode("ascii") + b"=" * (-len(bare) % 4))
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("That is no base64url.") from error
    if padless(found) != bare:
        raise ValueError("That is no base64url.")
    return found


def padless(content: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(content).rstrip(b"=").decode()
