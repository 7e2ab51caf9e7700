"""Makes sure that an outcome can be judged and stored, whatever a channel returned.

A channel of somebody's own may return anything. What is no outcome becomes one that says so; an outcome with a field of
the wrong type keeps its meaning, and the field becomes text. One bad answer must not hold up a whole batch.
"""

from dataclasses import replace
from math import isfinite

from notifications.lifecycle import Accepted, Deferral, Outcome, Permanent, Reason, Throttled, Transient, Unknown
from notifications.relay.breaker import BAD_OUTCOME

MOST_CODE, MOST_DETAIL, MOST_PROVIDER_ID = 64, 2_000, 255  # characters that the columns hold
MOST_RETRY_AFTER_SECONDS = 30 * 86_400.0
OUTCOMES = (Accepted, Transient, Permanent, Throttled, Unknown)


def has_right_types(outcome: Outcome) -> bool:
    """Whether each field of `outcome` has the type that it promises."""
    if not (isinstance(outcome.code, str) and isinstance(outcome.detail, str) and isinstance(outcome.provider_id, str)):
        return False
    if isinstance(outcome, Permanent):
        return outcome.reason is None or isinstance(outcome.reason, Reason)
    if isinstance(outcome, Transient):
        return outcome.deferral is None or _has_right_types(outcome.deferral)
    return not isinstance(outcome, Throttled) or _seconds(outcome.retry_after) == outcome.retry_after


def well_typed(outcome: object) -> Outcome:
    """The outcome, with fields of the right types; Unknown where it is none."""
    if not isinstance(outcome, OUTCOMES):
        return Unknown(BAD_OUTCOME, type(outcome).__name__)
    texts = {"code": _text(outcome.code), "detail": _text(outcome.detail)}
    match outcome:
        case Accepted():
            return replace(outcome, provider_id=_text(outcome.provider_id), **texts)
        case Permanent():
            reason = outcome.reason if isinstance(outcome.reason, Reason) else None
            return Permanent(reason=reason, **texts)
        case Transient():
            deferral = outcome.deferral
            if deferral is not None and not _has_right_types(deferral):
                deferral = Deferral(_seconds(getattr(deferral, "retry_after", None)) or None)
            return Transient(deferral=deferral, **texts)
        case Throttled():
            return Throttled(retry_after=_seconds(outcome.retry_after), **texts)
        case _:
            return replace(outcome, **texts)


def _has_right_types(deferral: object) -> bool:
    if not isinstance(deferral, Deferral) or not isinstance(deferral.is_about_message, bool):
        return False
    return deferral.retry_after is None or _seconds(deferral.retry_after) == deferral.retry_after


def storable(outcome: Outcome) -> Outcome:
    """The outcome, with texts that PostgreSQL can store."""
    if isinstance(outcome, Accepted) and not _is_storable(outcome.provider_id, MOST_PROVIDER_ID):
        outcome = replace(outcome, provider_id=_storable(outcome.provider_id, MOST_PROVIDER_ID))
    if _is_storable(outcome.code, MOST_CODE) and _is_storable(outcome.detail, MOST_DETAIL):
        return outcome
    return replace(outcome, code=_storable(outcome.code, MOST_CODE), detail=_storable(outcome.detail, MOST_DETAIL))


def bare(outcome: Outcome) -> Outcome:
    """The outcome without its words, because they could not be stored."""
    if isinstance(outcome, Accepted):
        outcome = replace(outcome, provider_id="")
    return replace(outcome, code="not_storable", detail="")


def _text(value: object) -> str:
    """A text as it is, a number in digits; of anything else only its type, since it may hold an address."""
    if isinstance(value, str):
        return str(value)
    return str(value) if isinstance(value, int | float) else "" if value is None else f"({type(value).__name__})"


def _seconds(value: object) -> float:
    """A delay that can be kept to, in seconds; 0 where `value` is none."""
    if not isinstance(value, int | float) or not isfinite(value):
        return 0.0
    return min(max(value, 0.0), MOST_RETRY_AFTER_SECONDS)


def _is_storable(text: str, most: int) -> bool:
    """Whether `text` can surely be stored as it is. Text that is not ASCII is treated as if it could not."""
    return text.isascii() and "\x00" not in text and len(text) <= most


def _storable(text: str, most: int) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:most]
