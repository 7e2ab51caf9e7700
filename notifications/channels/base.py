"""The interface between the relay and a channel: the relay hands over an `Outgoing`, the channel returns an `Outcome`.

A channel says in attributes what it needs (which templates, which address) and does one thing: `send`. It never
raises for what a provider may answer; an exception that escapes is a bug, and the relay records it as unknown.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from notifications.channels.deadline import Deadline
from notifications.lifecycle import Outcome


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message, rendered and addressed, on its way to a provider.

    `message_id` and `claim_number` name this attempt for good; `message_id` alone is the same over all attempts.
    `parts` holds the rendered words under the names the channel's `templates` gives them.
    """

    message_id: int
    claim_number: int
    kind: str
    address: str
    parts: Mapping[str, str]


class Channel(ABC):
    """A way to reach a recipient through one provider. One instance serves all sending threads of a relay."""

    address_field: Literal["phone", "email"]
    templates: Mapping[str, str]  # part's name → template's file name in notifications/<kind>/

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

    def close(self) -> None:  # noqa: B027  (most channels hold nothing)
        """Let go of pooled connections; called once, after the last send."""
