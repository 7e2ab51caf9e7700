"""Validates a message as Twilio does, with Twilio's error numbers and texts: https://www.twilio.com/docs/api/errors"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

MOST_CHARACTERS = 1600
LONGEST_VALIDITY = 36_000  # seconds

_NUMBER = re.compile(r"\+[1-9]\d{6,14}")  # E.164
_SENDER = re.compile(r"\+?\d{3,15}|[A-Za-z0-9 &+_-]{1,11}")  # a number, a short code, a name
_CONTENT = re.compile("HX[0-9a-fA-F]{32}")


def mistakes(fields: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """All that is wrong with a message; Twilio names the first."""
    yield from _missing(fields)
    yield from _in_addresses(fields)
    yield from _in_words(fields)
    yield from _in_options(fields)


def channel_of(address: str) -> str:
    return "whatsapp" if address.startswith("whatsapp:") else "sms"


def variables_of(fields: Mapping[str, str]) -> dict[str, Any] | None:
    """The content template's variables; None where they are no object of JSON."""
    try:
        variables = json.loads(fields.get("ContentVariables", "{}"))
    except (ValueError, RecursionError):
        return None
    return variables if isinstance(variables, dict) else None


def _missing(fields: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    if not fields.get("To"):
        yield 21604, "A 'To' phone number is required."
    if not (fields.get("From") or fields.get("MessagingServiceSid")):
        yield 21603, "A 'From' phone number is required."
    if not (fields.get("Body") or fields.get("MediaUrl") or fields.get("ContentSid")):
        yield 21602, "Message body is required."


def _in_addresses(fields: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    to, sender = fields.get("To", ""), fields.get("From", "")
    if not _NUMBER.fullmatch(to.removeprefix("whatsapp:")):
        yield 21211, f"Invalid 'To' Phone Number: {to}"
    if sender and not _SENDER.fullmatch(sender.removeprefix("whatsapp:")):
        yield 21212, f"Invalid From Number (caller ID): {sender}"
    if sender and channel_of(to) != channel_of(sender):
        yield 21910, "Invalid From and To pair. From and To should be of the same channel"


def _in_words(fields: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    if len(fields.get("Body", "")) > MOST_CHARACTERS:
        yield 21617, f"The concatenated message body exceeds the {MOST_CHARACTERS} character limit"
    if not _CONTENT.fullmatch(fields.get("ContentSid", "HX" + "0" * 32)):
        yield 21655, "The ContentSid is Invalid"
    if variables_of(fields) is None:
        yield 21656, "The ContentVariables Parameter is invalid"


def _in_options(fields: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    validity = fields.get("ValidityPeriod", "1")
    if not re.fullmatch("[0-9]{1,5}", validity) or not 1 <= int(validity) <= LONGEST_VALIDITY:
        yield 21624, "Invalid validity period value"
    if not re.match("https?://[^/]", fields.get("StatusCallback", "http://x")):
        yield 21609, "Invalid StatusCallback URL"
