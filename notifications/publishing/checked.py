"""Checks what an application publishes, before anything is written."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from notifications.errors import InvalidContext, InvalidMessage
from notifications.policy.moments import moment_problem

MOST_KEY, MOST_REFERENCE = 200, 100  # characters
MOST_NESTED = 100  # lists and dicts within each other: rendering would recurse too deep
UNSTORABLE = re.compile("[\\x00\ud800-\udfff]")
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
    if text.count("[") + text.count("{") > MOST_NESTED and _depth(context) > MOST_NESTED:
        raise InvalidContext(f"its lists and dicts are nested more than {MOST_NESTED} deep")
    return text


def _depth(value: object) -> int:
    """How deep lists and dicts lie within each other in `value`; counting ends beyond MOST_NESTED."""
    level, depth = [value], 0
    while depth <= MOST_NESTED and (nests := [each for each in level if isinstance(each, Mapping | list | tuple)]):
        depth += 1
        level = [each for nest in nests for each in (nest.values() if isinstance(nest, Mapping) else nest)]
    return depth


def check_fields(*, dedupe_key: str, reference: str, replace: str = "") -> None:
    """Raises InvalidMessage."""
    fields = (
        ("dedupe_key", dedupe_key, MOST_KEY),
        ("reference", reference, MOST_REFERENCE),
        ("replace", replace, MOST_KEY),
    )
    for name, text, most in fields:
        if not isinstance(text, str) or len(text) > most or not _is_storable(text):
            raise InvalidMessage(
                f"{name} must be text of at most {most} characters, without NUL or an unpaired surrogate."
            )
    if dedupe_key and replace:
        raise InvalidMessage(
            "Give either dedupe_key or replace: the first keeps the older message, the other the newer."
        )


def check_moments(*, expires_at: datetime | None, send_at: datetime | None) -> None:
    """Raises InvalidMessage."""
    for name, moment in (("expires_at", expires_at), ("send_at", send_at)):
        if moment is not None and (problem := moment_problem(moment)):
            raise InvalidMessage(f"{name} {problem}")
    if expires_at is not None and send_at is not None and expires_at <= send_at:
        raise InvalidMessage("expires_at must be after send_at: the message would never be sent.")


def _is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold `text`."""
    return not UNSTORABLE.search(text)
