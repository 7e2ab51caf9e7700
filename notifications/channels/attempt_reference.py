"""Our names for an attempt and a message, which providers keep with the message and bring back:
`outbox-<message>-<claim>` and `outbox-<message>`. Where there are shards, each ends in `-<shard>`.

The attempt's proves an acceptance whose answer was lost (G6): by a receipt, or when the provider is asked. The shard's
name makes each unique among shards that share an account, where the same ID is somebody else's message.
"""

import re
from typing import NamedTuple

from notifications.shards import current

_SHARD = "(?:-([A-Za-z_][A-Za-z0-9_.]{0,62}))?"
REFERENCE = re.compile(f"outbox-([0-9]{{1,18}})-([0-9]{{1,18}}){_SHARD}")  # ids that exist need few of the digits
OF_MESSAGE = re.compile(f"outbox-([0-9]{{1,18}}){_SHARD}")


class Attempt(NamedTuple):
    """A message's id, the number of the claim under which it was sent, and the shard that a reference names, if any."""

    message_id: int
    claim_number: int
    shard: str = ""

    @property
    def reference(self) -> str:
        """The reference of an attempt that is made here, in the shard at work."""
        return f"outbox-{self.message_id}-{self.claim_number}{_ending()}"

    def is_of(self, message_id: int) -> bool:
        """Whether it was an attempt at this message, of the shard at work."""
        return self.message_id == message_id and self.shard in ("", current())


def attempt_of(reference: object) -> Attempt | None:
    """The attempt with this `reference`; None if it is none of ours."""
    found = REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    return Attempt(int(found[1]), int(found[2]), found[3] or "") if found else None


def message_reference(message_id: int) -> str:
    """The reference of a message, the same over all attempts."""
    return f"outbox-{message_id}{_ending()}"


def message_marks(message_id: int) -> dict[str, str]:
    """What says the same in two words, for providers that bring back a list of them."""
    marks = {"outbox": str(message_id)}
    return marks | {"shard": shard} if (shard := current()) else marks


def message_of(reference: object) -> tuple[int, str] | None:
    """The ID of the message with this `reference`, and its shard, if it names one; None if it is none of ours."""
    found = OF_MESSAGE.fullmatch(reference) if isinstance(reference, str) else None
    return (int(found[1]), found[2] or "") if found else None


def _ending() -> str:
    return f"-{shard}" if (shard := current()) else ""
