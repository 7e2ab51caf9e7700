"""SMS, WhatsApp and email on the terminal, for development: each message is one block on standard output.

Addresses and texts are printed in full; that is the point of it, and the reason not to use it where output is kept.
"""

from typing import Any, Self

from notifications.channels.base import Channel, Outgoing
from notifications.channels.deadline import Deadline
from notifications.content.sanitize import without_whatsapp_markup
from notifications.lifecycle import Accepted, Outcome


class ConsoleChannel(Channel):
    """Prints the text part; serves as any channel that has one in the template `<channel>.txt`."""

    most_files = 50

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.address_field = "email" if name == "email" else "phone"
        self.templates = {"text": f"{name}.txt"}
        self.is_charged_by_segment = name == "sms"

    @classmethod
    def from_settings(cls, name: str, settings: Any) -> Self:  # noqa: ARG003  (needs none)
        return cls(name)

    def sanitize(self, text: str) -> str:
        return without_whatsapp_markup(text) if self.name == "whatsapp" else text

    def send(self, outgoing: Outgoing, deadline: Deadline) -> Outcome:
        title = f"── {self.name} to {outgoing.address} · message {outgoing.message_id} · {outgoing.kind} "
        text = "\n".join(f"  {line}" for line in outgoing.parts["text"].splitlines())
        print(f"{title:─<100}\n{text}\n", end="", flush=True)  # in one write: threads print side by side
        return Accepted(f"console-{outgoing.message_id}-{outgoing.claim_number}")
