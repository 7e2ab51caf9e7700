"""What a contender is given to do, and what it did: the words that cases, contenders and measures share."""

from dataclasses import dataclass
from typing import NamedTuple

KIND = "booking.confirmed"  # with its real words: rendering them is part of the relay's work
CHANNELS = ("sms", "whatsapp", "email")
CONTEXT = {
    "booking": 1,
    "title": "Morning yoga",
    "starts_at": "2030-01-05T09:00:00+00:00",
    "quantity": 2,
    "amount": 2400,
    "currency": "EUR",
}


@dataclass(frozen=True)
class Work:
    """The messages that are measured, for users 1 to `users` in turn, and what else lies about meanwhile."""

    messages: int
    users: int
    history: int = 0  # rows of the same users that are finished
    backoff: int = 0  # other users, whose one message waits for its next attempt
    hot: int = 0  # messages of one other user
    elsewhere: int = 0  # messages of other users on a channel that nobody serves
    has_old_snapshot: bool = False  # somebody else's, open from before the first send to the end
    all_channels: bool = False  # whether the users want their messages on all three
    latency: float = 0.0  # seconds that the provider takes for a call
    workers: int = 1  # processes of the contender
    channel: str = "sms"  # of the measured messages
    has_contacts: bool = False  # whether the addresses are read of users, before each send
    is_real: bool = False  # whether the real client sends them, to a server that costs nothing

    @property
    def is_slow(self) -> bool:
        return self.latency > 0

    @property
    def is_many(self) -> bool:
        return self.workers > 1


class Delivery(NamedTuple):
    """One message that a contender sent. `called` is by this machine's clock, the others by the records' own."""

    number: int
    user: int
    called: float
    began: float
    settled: float


class Progress(NamedTuple):
    """How many messages are settled: all, and of them the measured ones."""

    total: int
    measured: int


class Missing(Exception):
    """A contender is not there, or cannot do a case; the message says why, and the table repeats it."""


class Failed(Exception):
    """A contender did not do its work: a figure of it would be a lie."""
