"""What stands for every channel in a test run: messages are rendered and addressed as always, and reach nobody.

Email lands in `django.core.mail.outbox`, as Django's own does in tests. A channel that cannot be built, because a test
run lacks its credentials or its library, is stood for as well.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any, Self

from django.core import mail

from notifications.channels.base import Channel, Outgoing
from notifications.channels.deadline import Deadline
from notifications.content.compose import Form
from notifications.lifecycle import Accepted, Outcome

Record = Callable[[str, Outgoing], None]  # is told the channel's name and what it has accepted


def is_test_run() -> bool:
    """Whether Django's test environment is set up in this process, by its own runner or by pytest-django."""
    utils = sys.modules.get("django.test.utils")  # loaded wherever it is set up, and nowhere in production
    if utils is None:
        return False
    state = getattr(utils, "_TestState", None)
    return hasattr(state, "saved_data") if state else hasattr(mail, "outbox")


class Unconfigured(Channel):
    """A channel as far as its name and its class tell."""

    def __init__(self, name: str, channel: type[Channel] | None = None) -> None:
        super().__init__(name)
        is_email = name == "email"
        self.address_field = getattr(channel, "address_field", "email" if is_email else "phone")
        self.templates: Mapping[str, str] = getattr(channel, "templates", {"text": f"{name}.txt"})
        self.is_charged_by_segment = getattr(channel, "is_charged_by_segment", False)
        self.tells_price = getattr(channel, "tells_price", False)
        self.most_files = channel.most_files if channel else 50

    @classmethod
    def from_settings(cls, name: str, settings: Any) -> Self:  # noqa: ARG003  (needs none)
        return cls(name)

    def send(self, outgoing: Outgoing, deadline: Deadline) -> Outcome:
        return self.rehearse(outgoing)


class MemoryChannel(Channel):
    """Stands for `channel`: takes its messages in its form, and gives `answer`, or accepts them."""

    def __init__(self, channel: Channel, *, answer: Outcome | None = None, record: Record | None = None) -> None:
        super().__init__(channel.name)
        self.address_field = channel.address_field
        self.templates = channel.templates
        self.is_charged_by_segment = channel.is_charged_by_segment
        self.most_files = channel.most_files
        self.tells_price = channel.tells_price
        self._channel = channel
        self._answer = answer
        self._record = record

    @classmethod
    def from_settings(cls, name: str, settings: Any) -> Self:  # noqa: ARG003  (needs none)
        return cls(Unconfigured(name))

    def templates_for(self, kind: str) -> Mapping[str, str]:
        return self._channel.templates_for(kind)

    def form_for(self, kind: str) -> Form:
        return self._channel.form_for(kind)

    def sanitize(self, text: str) -> str:
        return self._channel.sanitize(text)

    def send(self, outgoing: Outgoing, deadline: Deadline) -> Outcome:
        outcome = self._answer or self._channel.rehearse(outgoing)
        if self._record and isinstance(outcome, Accepted):
            self._record(self.name, outgoing)
        return outcome

    def close(self) -> None:
        self._channel.close()
