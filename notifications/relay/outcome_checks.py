"""Makes sure that an outcome can be judged and stored, whatever a channel returned.

A channel of somebody's own may return anything. What is no outcome becomes one that says so; an outcome with a field of
the wrong type keeps its meaning, and the field becomes text. One bad answer must not hold up a whole batch.
"""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal
from math import isfinite
from typing import TypeGuard
from uuid import UUID

from notifications.lifecycle import Accepted, Deferral, Outcome, Permanent, Reason, Throttled, Transient, Unknown
from notifications.policy.retry_after import DEFAULT_SECONDS
from notifications.policy.storable_text import storable as storable_text
from notifications.relay.breaker import BAD_OUTCOME

MOST_CODE, MOST_DETAIL, MOST_PROVIDER_ID = 64, 2_000, 255  # characters that the columns hold
MOST_RETRY_AFTER_SECONDS = 86_400.0  # a day, as of what mail servers state: the lane waits as long
NUMBERS = (int, float)


def has_right_types(outcome: object) -> TypeGuard[Outcome]:
    """Whether `outcome` is one, and each of its fields has exactly the type that it promises.

    A subclass may do anything when it is looked at, so it does not count: `well_typed` makes a plain one of it.
    """
    match outcome:
        case Accepted(provider_id=provider_id) if type(outcome) is Accepted:
            is_right = type(provider_id) is str
        case Permanent(reason=reason) if type(outcome) is Permanent:
            is_right = reason is None or isinstance(reason, Reason)
        case Transient(deferral=deferral) if type(outcome) is Transient:
            is_right = deferral is None or _has_right_types(deferral)
        case Throttled(retry_after=retry_after) if type(outcome) is Throttled:
            is_right = type(retry_after) in NUMBERS and 0.0 < retry_after <= MOST_RETRY_AFTER_SECONDS
        case Unknown() if type(outcome) is Unknown:
            is_right = True
        case _:
            return False
    return is_right and type(outcome.code) is str and type(outcome.detail) is str


def well_typed(outcome: object) -> Outcome:
    """The outcome, with fields of the right types; Unknown where it is none. Never raises."""
    texts = {"code": _text(outcome, "code"), "detail": _text(outcome, "detail")}
    match outcome:
        case Accepted():
            return Accepted(_text(outcome, "provider_id", also=(UUID, Decimal, bytes)), **texts)
        case Permanent():
            reason = _field(outcome, "reason")
            return Permanent(reason=reason if isinstance(reason, Reason) else None, **texts)
        case Transient():
            deferral = _field(outcome, "deferral")
            return Transient(deferral=None if deferral is None else _deferral(deferral), **texts)
        case Throttled():  # at once would be without end: throttling uses up no attempts
            return Throttled(retry_after=_seconds(_field(outcome, "retry_after")) or DEFAULT_SECONDS, **texts)
        case Unknown():
            return Unknown(**texts)
        case _:
            return Unknown(BAD_OUTCOME, type(outcome).__name__)


def says_the_same(typed: Outcome, outcome: object) -> bool:
    """Whether `typed` lost nothing of `outcome`: a subclass, or a text of an enum's, is no mistake of the channel's."""
    return isinstance(outcome, type(typed)) and all(
        _field(outcome, field.name) == getattr(typed, field.name) for field in fields(typed)
    )


def _has_right_types(deferral: object) -> bool:
    if type(deferral) is not Deferral or not isinstance(deferral.is_about_message, bool):
        return False
    seconds = deferral.retry_after
    return seconds is None or (type(seconds) in NUMBERS and 0.0 <= seconds <= MOST_RETRY_AFTER_SECONDS)


def _deferral(deferral: object) -> Deferral:
    if isinstance(deferral, Deferral):
        return Deferral(_seconds(_field(deferral, "retry_after")) or None)
    return Deferral(_seconds(deferral) or None)


def storable(outcome: Outcome) -> Outcome:
    """The outcome, with texts that PostgreSQL can store."""
    if isinstance(outcome, Accepted) and not _is_storable(outcome.provider_id, MOST_PROVIDER_ID):
        outcome = replace(outcome, provider_id=storable_text(outcome.provider_id, MOST_PROVIDER_ID))
    if _is_storable(outcome.code, MOST_CODE) and _is_storable(outcome.detail, MOST_DETAIL):
        return outcome
    return replace(
        outcome, code=storable_text(outcome.code, MOST_CODE), detail=storable_text(outcome.detail, MOST_DETAIL)
    )


def bare(outcome: Outcome) -> Outcome:
    """The outcome without its words, because they could not be stored."""
    if isinstance(outcome, Accepted):
        outcome = replace(outcome, provider_id="")
    return replace(outcome, code="not_storable", detail="")


def _read(read: Callable[[], object]) -> object:
    """What `read` returns; None if it raises, as a property or a conversion of somebody's own may."""
    try:
        return read()
    except Exception:  # noqa: BLE001  (the outcome's meaning is its class; a field that cannot be read is none)
        return None


def _field(outcome: object, name: str) -> object:
    return _read(lambda: getattr(outcome, name))


def _text(outcome: object, name: str, *, also: tuple[type, ...] = ()) -> str:
    """A text as it is, a number in digits; of anything else only its type, since it may hold an address."""
    value = _field(outcome, name)
    if isinstance(value, str):
        return str.__str__(value)[:MOST_DETAIL]
    if isinstance(value, bytes) and bytes in also:
        return value.decode(errors="replace")
    if isinstance(value, (*NUMBERS, *also)):
        text = _read(lambda: str(value))
        return text if type(text) is str else f"({type(value).__name__})"  # of 4,301 digits, or of a class of its own
    return "" if value is None else f"({type(value).__name__})"


def _seconds(value: object) -> float:
    """A delay that can be kept to, in seconds; 0 where `value` is none. A header's text counts, and a timedelta."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    number = _read(lambda: float(value))  # type: ignore[arg-type]
    if isinstance(value, int) and number is None:  # of more digits than a float has
        number = MOST_RETRY_AFTER_SECONDS
    if not isinstance(number, float) or not isfinite(number):
        return 0.0
    return min(max(number, 0.0), MOST_RETRY_AFTER_SECONDS)


def _is_storable(text: str, most: int) -> bool:
    """Whether `text` can surely be stored as it is. Text that is not ASCII is treated as if it could not."""
    return text.isascii() and "\x00" not in text and len(text) <= most
