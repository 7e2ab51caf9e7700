"""The interface between the relay and a channel: the relay hands over an `Outgoing`, the channel returns an `Outcome`.

A channel says in attributes what it needs (which templates, which address) and does one thing: `send`. It never
raises for what a provider may answer; an exception that escapes is a bug, and the relay records it as unknown.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, NamedTuple, Self

from notifications.channels.deadline import Deadline
from notifications.content.compose import Form
from notifications.lifecycle import Accepted, Outcome, Reason, ReceiptStatus, Throttled, Transient
from notifications.policy.attachment import File
from notifications.policy.letterhead import PLAIN, Letterhead
from notifications.policy.push import Device


class Outgoing(NamedTuple):
    """One message, rendered and addressed, on its way to a provider.

    `message_id` and `claim_number` name this attempt for good; `message_id` alone is the same over all attempts.
    `parts` holds the rendered words under the names the channel's `templates` gives them, in the language `locale`.
    After `expires_in` seconds it is of no use. `inbound_age`: seconds since the recipient last wrote to us on this
    channel, for kinds that need it (`needs_inbound_age`); None: never.
    `unsubscribe_url` is empty where there is nothing to unsubscribe from. `files` are the kind's attachments for this
    channel. `letterhead` is for channels that have one. `devices` are the recipient's browsers, for channels that push
    to them; `address` then has their ids.
    """

    message_id: int
    claim_number: int
    kind: str
    address: str
    parts: Mapping[str, str]
    locale: str = ""
    expires_in: float | None = None
    inbound_age: float | None = None
    unsubscribe_url: str = ""
    files: tuple[File, ...] = ()
    letterhead: Letterhead = PLAIN
    devices: tuple[Device, ...] = ()


class State(StrEnum):
    """Whether something that the outbox rests on is well."""

    OK = "ok"
    WRONG = "wrong"
    NOT_TRIED = "not tried"


class Probe(NamedTuple):
    """What a provider answered to a call that sends nothing. Where it is wrong, `said` ends with what to do."""

    state: State
    said: str


@dataclass(frozen=True, slots=True)
class Charge:
    """What a provider charged for a message: `price` in units of `currency` (ISO 4217), not in minor ones."""

    price: Decimal
    currency: str
    segments: int = 0


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What a provider says became of a message; `code` and `detail` tell why it was not delivered.

    `charge` is None where the provider did not say what it cost, or does not know yet.
    """

    status: ReceiptStatus
    code: str = ""
    detail: str = ""
    reason: Reason | None = None
    charge: Charge | None = None


class Channel(ABC):
    """A way to reach a recipient through one provider. One instance serves all sending threads of a relay."""

    address_field: Literal["phone", "email", "push"]
    can_look_up = False  # whether `look_up` asks anybody
    tells_price = False  # whether `look_up` tells, sooner or later, what a message cost
    keeps_deadline = True  # whether `send` returns by its deadline, whatever the provider does
    templates: Mapping[str, str]  # part's name → template's file name in notifications/<kind>/

    most_files = 0  # how many of an Outgoing's files `send` hands over
    has_letterhead = False  # whether `send` looks at its letterhead
    is_charged_by_segment = False  # as SMS are: notifications.content.sms_segments

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    @abstractmethod
    def from_settings(cls, name: str, settings: Any) -> Self:
        """Build the channel `name` from Django's settings; raises ImproperlyConfigured naming what is missing."""

    @abstractmethod
    def send(self, outgoing: Outgoing, deadline: Deadline) -> Outcome:
        """Hand `outgoing` to the provider once, without hidden retries, and say what came of it.

        Sends nothing after `deadline`, and returns by then whatever the provider does: the relay's lease is longer than
        the deadline, and that is what keeps a second relay from sending the same message meanwhile (G4).
        """

    def rehearse(self, outgoing: Outgoing) -> Outcome:
        """What stands for `send` in a test run: the message is accepted, and reaches nobody."""
        return Accepted(f"memory-{outgoing.message_id}-{outgoing.claim_number}")

    def find(
        self,
        outgoing: Outgoing,
        *,
        began_ago: float,
        unknown_for: float,
        known: Collection[str],
        deadline: Deadline,
    ) -> Accepted | Transient | Throttled | None:
        """Ask the provider whether it has `outgoing` from an earlier attempt whose outcome is unknown (G6).

        The first of these attempts began `began_ago` seconds ago, and the outcome of the last has been unknown for
        `unknown_for` seconds. They are durations because clocks differ: the database's, this host's, the provider's.

        `known` are its names for other messages. Accepted: it has it; Transient or Throttled: it did not say, ask again
        later; None: it does not have it, or cannot be asked, as is true of a channel that does not override this.
        """
        return None

    @property
    def can_be_asked(self) -> bool:
        """Whether `find` asks anybody: where it does not, an answer that was lost stays unknown."""
        return type(self).find is not Channel.find

    def look_up(self, provider_id: str, deadline: Deadline) -> DeliveryReport | Transient | Throttled | None:
        """Ask the provider what became of the message that it calls `provider_id`; None: nothing new."""
        return None

    def probe(self, deadline: Deadline) -> Probe:
        """Ask the provider, by a call that sends nothing, whether it knows our credentials. Never raises."""
        return Probe(State.NOT_TRIED, "This channel cannot be tried without sending.")

    def templates_for(self, kind: str) -> Mapping[str, str]:
        """The templates of messages of this kind, where they depend on it."""
        return self.templates

    def form_for(self, kind: str) -> Form:
        """How messages of this kind are rendered for this channel."""
        return Form(self.name, self.templates_for(kind), self.sanitize, self.has_letterhead)

    def sanitize(self, text: str) -> str:
        """`text`, which somebody typed, without what this channel would take for markup."""
        return text

    def needs_inbound_age(self, kind: str) -> bool:
        """Whether messages of this kind need `inbound_age`."""
        return False

    def take_ended_devices(self) -> list[int]:
        """The ids of browsers that sends since the last call found gone. The relay forgets them. From any thread."""
        return []

    def close(self) -> None:  # noqa: B027  (most channels hold nothing)
        """Let go of pooled connections; called once, after the last send."""
