"""Turns Twilio's refusals into outcomes. The HTTP status decides whether the message can have been accepted, and the
table in twilio_codes what to do next. For an unknown number the status alone decides.
"""

from notifications.channels.twilio_codes import ERRORS, REASONS, Meaning
from notifications.lifecycle import Outcome, Permanent, Throttled, Transient, Unknown
from notifications.policy.retry_after import throttled_seconds


def refusal(*, status: int, code: object, detail: str, retry_after: str | None, now: float) -> Outcome:
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
        return Throttled(name, throttled_seconds(retry_after, now=now), detail)
    if meaning is Meaning.TRANSIENT or status in (401, 408, 425):  # 408, 425: the server did not want to begin
        return Transient(name, detail)
    return Permanent(name, detail, reason=REASONS.get(meaning) if meaning else None)
