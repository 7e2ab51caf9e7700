"""The vocabulary of a message's life: its states, and the outcomes of an attempt to send it. Pure Python, no Django.

    queued ──► pending ──► sending ──► sent
       │          ▲  │        │  └───► failed ──► (replayed) queued / pending
       │          └──┼────────┘ retry, rescue, hand back
       └──► cancelled └──► expired

Only a terminal head lets its lane move on (G4).
"""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Where a message stands."""

    QUEUED = "queued"  # waits behind an older unfinished message of its lane
    PENDING = "pending"  # the lane's oldest unfinished message; may be claimed once next_attempt_at has come
    SENDING = "sending"  # claimed by one relay, under its lease
    SENT = "sent"  # the provider accepted it; a receipt may follow
    FAILED = "failed"  # attempts used up, or an error that no retry can mend: the dead letter
    CANCELLED = "cancelled"  # withdrawn by someone
    EXPIRED = "expired"  # too late to be useful

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL


HELD = "(held)"  # the lane of messages that wait for the end of quiet hours: it never moves

TERMINAL = frozenset({Status.SENT, Status.FAILED, Status.CANCELLED, Status.EXPIRED})
UNFINISHED = frozenset(Status) - TERMINAL
HEAD = (Status.PENDING.value, Status.SENDING.value)  # as the database has them: a lane's head is one of these
ENDED = sorted(status.value for status in TERMINAL)


class Answer(StrEnum):
    """What an attempt came to, as the attempt's row keeps it: the outcomes below, by name."""

    ACCEPTED = "accepted"
    TRANSIENT = "transient"
    PERMANENT = "permanent"
    THROTTLED = "throttled"
    UNKNOWN = "unknown"


class ReceiptStatus(StrEnum):
    """What a provider tells of a message after it has accepted it, in the order in which the news count.

    The farthest wins, whichever comes first: a late `sent` takes nothing back. `undelivered` stands below `delivered`,
    because of two copies of a message one that arrived is enough.
    """

    SENT = "sent"  # on its way beyond the provider
    UNDELIVERED = "undelivered"  # given up, by the provider or the carrier
    BOUNCED = "bounced"  # the same, of an email
    DELIVERED = "delivered"  # at the handset or in the mailbox, as far as anybody can tell
    READ = "read"
    COMPLAINED = "complained"  # an email's reader called it spam

    @property
    def is_final(self) -> bool:
        """Whether it answers the question that people ask: did it arrive?"""
        return self is not ReceiptStatus.SENT


class Reason(StrEnum):
    """Why a message cannot be delivered, where that says something about its recipient."""

    OPTED_OUT = "opted_out"  # the person does not want it
    ADDRESS_INVALID = "address_invalid"  # nobody can be reached there


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message over; `provider_id` is its name for it (a Twilio SID, a Message-ID).

    `code` is empty, or ADOPTED: nothing was sent, since an earlier attempt turned out to have been accepted, or
    SENT_AGAIN: whether an earlier attempt was accepted could not be told, so the recipient may get it twice.
    """

    provider_id: str = ""
    code: str = ""
    detail: str = ""
    answer = Answer.ACCEPTED


ADOPTED, SENT_AGAIN = "adopted", "sent_again"


@dataclass(frozen=True, slots=True)
class Transient:
    """Certainly not accepted, and worth another try: nobody answered, or the provider asked to come back."""

    code: str
    detail: str = ""
    answer = Answer.TRANSIENT
    provider_id = ""


@dataclass(frozen=True, slots=True)
class Permanent:
    """Certainly not accepted, and no retry can mend it: a wrong address, a refused sender, words that do not render.

    `reason` is set where the refusal says something about the recipient, who is then spared further ones.
    """

    code: str
    detail: str = ""
    reason: Reason | None = None
    answer = Answer.PERMANENT
    provider_id = ""


@dataclass(frozen=True, slots=True)
class Throttled:
    """Not accepted because we were too fast: try again after `retry_after` seconds; no attempt is used up."""

    code: str
    retry_after: float
    detail: str = ""
    answer = Answer.THROTTLED
    provider_id = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request went out and no answer came back: accepted or not, nobody knows (G6)."""

    code: str
    detail: str = ""
    answer = Answer.UNKNOWN
    provider_id = ""


Outcome = Accepted | Transient | Permanent | Throttled | Unknown
