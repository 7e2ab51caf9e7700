"""Turns Twilio's refusals into outcomes. The HTTP status decides whether the message can have been accepted, and the
table in twilio_codes what to do next. For an unknown number the status alone decides.

Twilio says that repeating a POST after a 500 can send the message twice. The API is not known to answer with a redirect
or another success: something in between may have sent that.
"""

from notifications.channels.refusals import outcome_of
from notifications.channels.twilio_codes import ERRORS
from notifications.lifecycle import Outcome
from notifications.policy.retry_after import throttled_seconds


def refusal(*, status: int, code: object, detail: str, retry_after: str | None, now: float) -> Outcome:
    """The outcome of a request that Twilio answered with the HTTP `status` and the error number `code`, if any.

    `retry_after` is the header of that name; `now` is seconds since the epoch, for a header that names a date.
    """
    is_known = isinstance(code, int) and code != status  # if Twilio gave no number, the client puts the status there
    return outcome_of(
        status=status,
        meaning=ERRORS.get(code) if isinstance(code, int) else None,
        code=f"twilio_{code}" if is_known else f"http_{status}",
        detail=detail,
        wait=throttled_seconds(retry_after, now=now),
    )
