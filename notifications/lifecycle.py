"""A message's states, and the outcomes of an attempt to send it. Pure Python, no Django.

    from       to          when
    (new)      queued      its lane has an unfinished message, or it is held until the end of quiet hours,
                          or until the moment for which it was published
               pending     its lane is empty
               cancelled   it is suppressed: for example its recipient has opted out
    queued     pending     it has become the lane's oldest unfinished message
               sending     the same, and the relay that ended the one before it has claimed it with that
               cancelled   somebody withdrew it
    pending    sending     a relay has claimed it
               cancelled   somebody withdrew it
    sending    sent        the provider accepted it
               failed      its attempts are used up, or no retry can succeed
               pending     retry, rescue, hand back
               queued      it is held: the recipient's quiet hours have begun
               expired     it is too late to be useful
               cancelled   it is suppressed, or over a cap
    failed     queued      it was replayed; its lane has an older unfinished message
               pending     it was replayed; it is the lane's oldest

A lane moves on only when its head ends or is held (G4).
"""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Where a message stands."""

    QUEUED = "queued"  # waits behind an older unfinished message of its lane, or is held beside it
    PENDING = "pending"  # the lane's oldest unfinished message; may be claimed once next_attempt_at has come
    SENDING = "sending"  # claimed by one relay, under its lease
    SENT = "sent"  # the provider accepted it; a receipt may follow
    FAILED = "failed"  # attempts used up, or no retry can succeed: the dead letter
    CANCELLED = "cancelled"  # withdrawn by somebody, suppressed, or over a cap
    EXPIRED = "expired"  # too late to be useful

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL


HELD = "(held)"  # the lane of messages that wait for a moment, such as the end of quiet hours; it has no head

TERMINAL = frozenset({Status.SENT, Status.FAILED, Status.CANCELLED, Status.EXPIRED})
UNFINISHED = frozenset(Status) - TERMINAL
WAITING = (Status.QUEUED.value, Status.PENDING.value)  # no relay has begun to send it
HEAD = (Status.PENDING.value, Status.SENDING.value)  # as the database has them: a lane's head is one of these
ENDED = sorted(status.value for status in TERMINAL)


class Answer(StrEnum):
    """The names of the outcomes below, as the attempts' rows keep them."""

    ACCEPTED = "accepted"
    TRANSIENT = "transient"
    PERMANENT = "permanent"
    THROTTLED = "throttled"
    UNKNOWN = "unknown"


class ReceiptStatus(StrEnum):
    """How far a message came after its provider had accepted it, from the least to the farthest.

    The farthest status counts, in whatever order they arrive. `undelivered` stands below `delivered`: if two copies
    went out, one arrival is enough.
    """

    SENT = "sent"  # on its way beyond the provider
    UNDELIVERED = "undelivered"  # given up, by the provider or the carrier
    BOUNCED = "bounced"  # the same, of an email
    DELIVERED = "delivered"  # at the handset or in the mailbox, as far as anybody can tell
    READ = "read"
    COMPLAINED = "complained"  # an email's reader called it spam

    @property
    def is_final(self) -> bool:
        """Whether it says if the message arrived."""
        return self is not ReceiptStatus.SENT


class Reason(StrEnum):
    """What a refusal says about the recipient."""

    OPTED_OUT = "opted_out"  # the person does not want it
    ADDRESS_INVALID = "address_invalid"  # nobody can be reached there


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider accepted the message; `provider_id` is its name for it (a Twilio SID, a Message-ID).

    `code` is empty, ADOPTED or SENT_AGAIN. ADOPTED: nothing was sent, because an earlier attempt had been accepted.
    SENT_AGAIN: an earlier attempt has an unknown outcome, so the recipient may get the message twice.
    """

    provider_id: str = ""
    code: str = ""
    detail: str = ""
    answer = Answer.ACCEPTED


ADOPTED, SENT_AGAIN = "adopted", "sent_again"


@dataclass(frozen=True, slots=True)
class Deferral:
    """The provider answered "later", and may say so for hours (greylisting; RFC 5321, 4.5.4.1).

    `retry_after` are the seconds that it named, if any. `is_about_message`: the provider works, and only this message
    has to wait; otherwise the provider turns everybody away.
    """

    retry_after: float | None = None
    is_about_message: bool = True


@dataclass(frozen=True, slots=True)
class Transient:
    """Certainly not accepted, and worth another try: nobody answered, or the provider asked us to retry."""

    code: str
    detail: str = ""
    deferral: Deferral | None = None
    answer = Answer.TRANSIENT
    provider_id = ""


@dataclass(frozen=True, slots=True)
class Permanent:
    """Certainly not accepted, and no retry can succeed: a wrong address, a refused sender, a template that fails.

    `reason` is set if the refusal says something about the recipient; an opt-out is then recorded.
    """

    code: str
    detail: str = ""
    reason: Reason | None = None
    answer = Answer.PERMANENT
    provider_id = ""


@dataclass(frozen=True, slots=True)
class Throttled:
    """Not accepted because we sent too fast. Try again after `retry_after` seconds; no attempt is used up."""

    code: str
    retry_after: float
    detail: str = ""
    answer = Answer.THROTTLED
    provider_id = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request went out and no answer came back, so nobody knows whether it was accepted (G6)."""

    code: str
    detail: str = ""
    answer = Answer.UNKNOWN
    deferral = None
    provider_id = ""


Outcome = Accepted | Transient | Permanent | Throttled | Unknown
