"""What Twilio's refusals mean for a message. The numbers are Twilio's own, each explained at
https://www.twilio.com/docs/api/errors/<number>.

Twilio asks not to build on single numbers, since it keeps splitting them up (changelog of 2024-07-10); so the HTTP
status decides first, the table corrects it where that matters, and an unknown number means what its status says.
"""

import math
from email.utils import parsedate_to_datetime
from time import time

from notifications.lifecycle import Outcome, Permanent, Throttled, Transient, Unknown

THROTTLED_SECONDS = 5.0  # where Twilio does not say how long to wait
LEAST_THROTTLED_SECONDS, MOST_THROTTLED_SECONDS = 1.0, 300.0

# Refusals for which the answer to "would another try help?" differs from what the status 4xx says: no.
MEANING: dict[int, type[Transient | Throttled]] = {
    # Our credentials or account are at fault, not the message. Worth another try, because they are mended without
    # touching it; not without end, because a revoked token must not hold back the recipient's email for ever. What
    # failed meanwhile is found again by its code, and replayed.
    10001: Transient,  # "Account is not active"
    20003: Transient,  # "Authenticate": wrong or revoked SID, token or key (HTTP 401)
    20005: Transient,  # "Account is not active"
    30002: Transient,  # "Account suspended"
    # Too fast. Nothing was processed.
    14107: Throttled,  # "Message rate limit exceeded"
    20429: Throttled,  # "Too many requests": "never processed and always safe to retry" (HTTP 429)
    21611: Throttled,  # "This 'From' number has exceeded the maximum number of queued messages"
    30001: Throttled,  # "Queue overflow"
    30022: Throttled,  # "US A2P 10DLC - Rate Limits Exceeded"
    60728: Throttled,  # "Account exceeded the hourly messages limit"
    63017: Throttled,  # "Rate limit exceeded": over 2,000 messages a second in the account
    63018: Throttled,  # "Rate limit exceeded for Channel": WhatsApp's own limit
    63038: Throttled,  # "Account exceeded the daily messages limit"
    # Twilio asks to come back.
    21730: Transient,  # "System under maintenance. Please try again later."
}

# Said with a status 4xx, and permanent like every other number that the table above does not hold. Listed because
# receipts and people's wishes will tell them apart:
#   no such address     21211 21214 21217 21408 21612 21614 63003 63013 63024
#   the person opted out 21610 63032
#   the sender is wrong 21212 21603 21606 21608 21659 21660 21703 21704 21705 21910 63007
#   the words are wrong 21602 21617 21619 21620 21656 63005 63016 63021


def receipt_code(number: int) -> str:
    """The code under which a receipt keeps Twilio's error `number`; 0 means that Twilio gave none."""
    return f"twilio_{number}" if number else ""


def refusal(*, status: int, code: object, detail: str, retry_after: str | None, now: float | None = None) -> Outcome:
    """What it means that Twilio answered `status` (HTTP) with the error number `code`, if it gave one.

    `retry_after` is the header of that name; `now` is seconds since the epoch, for a header that names a date.
    """
    if not 400 <= status < 500:
        # Twilio: repeating a POST after a 500 can send the message twice. A redirect or another success is nothing that
        # the API is known to answer; it may come from something in between.
        return Unknown(f"http_{status}", detail)
    is_known = isinstance(code, int) and code != status  # the client puts the status where Twilio gave no number
    name = f"twilio_{code}" if is_known else f"http_{status}"
    meaning = MEANING.get(code) if isinstance(code, int) else None
    if status == 429 or meaning is Throttled:
        return Throttled(name, throttled_seconds(retry_after, now=time() if now is None else now), detail)
    if meaning is Transient or status in (401, 408, 425):  # 408, 425: the server did not want to begin
        return Transient(name, detail)
    return Permanent(name, detail)


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
