"""What a provider's refusal means for the message: the same rule for every provider that speaks HTTP.

A provider's own table (`…_codes`) says what its codes mean. The HTTP status decides whether the message can have been
accepted: only an answer 4xx says that it certainly was not (G6).
"""

from enum import Enum, auto

from notifications.lifecycle import Outcome, Permanent, Reason, Throttled, Transient, Unknown

NOT_BEGUN = (
    401,
    408,
    425,
)  # mended without touching the message; 408, 425: the server did not want to begin


class Meaning(Enum):
    """Whether a refused message is worth another try, and what the refusal says about its recipient."""

    TRANSIENT = auto()  # another try may help: the fault is elsewhere
    THROTTLED = auto()  # too fast; nothing was processed
    OPTED_OUT = auto()  # this person does not want it
    ADDRESS_INVALID = auto()  # nobody can be reached at this number on this channel
    PERMANENT = auto()  # the message, its sender or the account's rights are at fault
    UNSURE = auto()  # the provider failed half-way: nobody knows whether it was accepted


REASONS = {Meaning.OPTED_OUT: Reason.OPTED_OUT, Meaning.ADDRESS_INVALID: Reason.ADDRESS_INVALID}


def outcome_of(*, status: int, meaning: Meaning | None, code: str, detail: str, wait: float) -> Outcome:
    """The outcome of a request that was refused with the HTTP `status` and a code of this `meaning`; None: not known.

    `wait` is how many seconds the provider asks us to wait where we sent too fast.
    """
    if not 400 <= status < 500:
        return Unknown(f"http_{status}", detail)
    if meaning is Meaning.UNSURE:
        return Unknown(code, detail)
    if status == 429 or meaning is Meaning.THROTTLED:
        return Throttled(code, wait, detail)
    if meaning is Meaning.TRANSIENT or status in NOT_BEGUN:
        return Transient(code, detail)
    return Permanent(code, detail, reason=REASONS.get(meaning) if meaning else None)
