"""Claims messages for the channels that have room, as many as the gate and the caps allow, and enriches them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from notifications.channels.base import Channel
from notifications.relay.caps import Caps
from notifications.relay.claim import Claimer, seconds_to_next_due
from notifications.relay.connection import Connection
from notifications.relay.enrich import enrich
from notifications.relay.gate import Gate
from notifications.relay.messages import Claimed, Settlement
from notifications.relay.options import Options
from notifications.relay.settle import Claiming

POLL_SECONDS = 10.0  # the safety net under NOTIFY
SHORTEST_SLEEP_SECONDS = 0.02  # while another relay is just claiming what is due


class Batch(NamedTuple):
    """What a claim brought: messages to send, and the ends of those over a cap. `is_full`: there may be more."""

    messages: list[Claimed]
    over_caps: list[Settlement]
    is_full: bool


class Intake:
    """Used by the relay's thread alone."""

    def __init__(self, channels: Mapping[str, Channel], options: Options, gate: Gate) -> None:
        self._channels = channels
        self._asks_before_resend = options.ask_before_resend
        self._gate = gate
        address_fields = {name: channel.address_field for name, channel in channels.items()}
        self._caps = Caps(options.caps, address_fields=address_fields)
        self._claimer = Claimer()

    def claim(
        self,
        connection: Connection,
        *,
        relay_id: int,
        rooms: Mapping[str, int],
        meanwhile: Callable[[], None] | None = None,
    ) -> Batch:
        """Claim what the channels of `rooms` can take. `meanwhile` runs while the database searches, if it is asked."""
        with self._caps.transaction(connection), self._gate.granting(connection, rooms) as limits:
            claimed = []
            if limits:
                claimed = self._claimer.claim(connection, relay_id=relay_id, limits=limits, meanwhile=meanwhile)
            self._gate.charge(connection, claimed)
            allowed, over_caps = self._caps.apply(connection, claimed)
        return Batch(
            self.enriched(connection, allowed), over_caps, is_full=bool(limits) and len(claimed) == sum(limits.values())
        )

    def claiming(self, connection: Connection, rooms: Mapping[str, int], *, most: int) -> Claiming | None:
        """How a settle may claim what it promotes, `most` messages: on open channels that have room for them all."""
        channels = [name for name in self._gate.free(rooms) if rooms[name] >= most]
        admit = partial(self._caps.apply, connection) if self._caps.are_set else None
        return Claiming(channels, admit) if channels else None

    def enriched(self, connection: Connection, claimed: list[Claimed]) -> list[Claimed]:
        return enrich(connection, claimed, channels=self._channels, asks=self._asks_before_resend)

    def seconds_to_next(self, connection: Connection, rooms: Mapping[str, int]) -> float:
        """How long until something can be claimed for the channels of `rooms`; POLL_SECONDS at most."""
        due = seconds_to_next_due(connection, self._gate.claimable(rooms))
        seconds = min(POLL_SECONDS if due is None else due, self._gate.seconds_to_change(rooms))
        return min(max(seconds, SHORTEST_SLEEP_SECONDS), POLL_SECONDS)
