"""Turns Twilio's refusals into outcomes. The HTTP status decides whether the message can have been accepted, and the
table in twilio_codes what to do next. For an unknown number the status alone decides.
"""

import math
from email.utils import parsedate_to_datetime
from time import time

from notifications.channels.twilio_codes import ERRORS, REASONS, Meaning
from notifications.lifecycle import Outcome, Permanent, Throttled, Transient, Unknown

THROTTLED_SECONDS = 5.0  # where Twilio does not say how long to wait
LEAST_THROTTLED_SECONDS, MOST_THROTTLED_SECONDS = 1.0, 300.0


def refusal(*, status: int, code: object, detail: str, retry_after: str | None, now: float | None = None) -> Outcome:
    """The outcome of a request that Twilio answered with the HTTP `status` and the error number `code`, if any.

    `retry_after` is the header of that name; `now` is seconds since the epoch, for a header that names a date.
    """
    if not 400 <= status < 500:
        # Twilio says that repeating a POST after a 500 can send the message twice. The API is not known to answer with
        # a redirect or another success: something in between may have sent that.
        return Unknown(f"http_{status}", detail)
    is_known = isinstance(code, int) and code != status  # if Twilio gave no number, the client puts the status there
    name = f"twilio_{code}" if is_known else f"http_{status}"
    meaning = ERRORS.get(code) if isinstance(code, int) else None
    if status == 429 or meaning is Meaning.THROTTLED:
        return Throttled(name, throttled_seconds(retry_after, now=time() if now is None else now), detail)
    if meaning is Meaning.TRANSIENT or status in (401, 408, 425):  # 408, 425: the server did not want to begin
        return Transient(name, detail)
    return Permanent(name, detail, reason=REASONS.get(meaning) if meaning else None)


def throttled_seconds(retry_after: str | None, *, now: float) -> float:
    """How long to wait: the header's seconds or date (RFC 9110, 10.2.3) within sane bounds; without it, a default."""
    try:
        seconds = float(retry_after) if retry_after else THROTTLED_SECONDS
    except ValueError:
        seconds = _seconds_until(str(retry_after), now=now)
    if math.isnan(seconds):
        seconds = THROTTLED_SECONDS
    return min(max(seconds, LEAST_THROTTLED_SECONDS), MOST_THROTTLED_SECONDS)


def _seconds_until(date: str, *, now: float) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() - now
    except (ValueError, OverflowError):
        return THROTTLED_SECONDS
