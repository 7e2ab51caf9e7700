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
from notifications.relay.router import Router
from notifications.relay.settle import Claiming
from notifications.relay.spending import Spending

POLL_SECONDS = 10.0  # the safety net under NOTIFY
SHORTEST_SLEEP_SECONDS = 0.02  # while another relay is just claiming what is due


class Batch(NamedTuple):
    """What a claim brought: messages to send, and what is not sent now: over a cap, or without an open route.

    `is_full`: there may be more.
    """

    messages: list[Claimed]
    ended: list[Settlement]
    is_full: bool = False


class Intake:
    """Used by the relay's thread alone."""

    def __init__(
        self, channels: Mapping[str, Channel], options: Options, gate: Gate, router: Router, *, spending: Spending
    ) -> None:
        self._spending = spending
        self._channels = channels
        self._router = router
        self._asks_before_resend = options.ask_before_resend
        self._gate = gate
        address_fields = {router.channel_of(key): channel.address_field for key, channel in channels.items()}
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
        """Claim what the routes of `rooms` can take. `meanwhile` runs while the database searches, if it is asked."""
        with self._caps.transaction(connection), self._gate.granting(connection, rooms) as grants:
            claimed, limits = [], self._router.limits(grants)
            if limits:
                claimed = self._claimer.claim(connection, relay_id=relay_id, limits=limits, meanwhile=meanwhile)
            is_full = bool(limits) and len(claimed) == sum(limits.values())
            claimed, waiting = self._router.assign(connection, claimed, grants)
            self._gate.charge(connection, claimed)
            allowed, over_caps = self._caps.apply(connection, claimed)
        return self._affordable(connection, allowed, [*over_caps, *waiting], is_full=is_full)

    def claiming(self, connection: Connection, rooms: Mapping[str, int], *, most: int) -> Claiming | None:
        """How a settle may claim what it promotes, `most` messages: on open channels that have room for them all."""
        channels = [name for name, room in self._router.limits(self._gate.free(rooms)).items() if room >= most]
        admit = partial(self._caps.apply, connection) if self._caps.are_set else None
        return Claiming(channels, admit) if channels else None

    def routed(self, connection: Connection, claimed: list[Claimed]) -> Batch:
        """What a settle has claimed, with routes and enriched."""
        messages, waiting = self._router.assign(connection, claimed)
        return self._affordable(connection, messages, waiting)

    def _affordable(
        self, connection: Connection, messages: list[Claimed], ended: list[Settlement], *, is_full: bool = False
    ) -> Batch:
        """Outside the claim's transaction: relays wait for each other at a cap of money for one statement alone."""
        messages, over_caps = self._spending.apply(connection, messages)
        return Batch(self._enriched(connection, messages), [*ended, *over_caps], is_full)

    def _enriched(self, connection: Connection, claimed: list[Claimed]) -> list[Claimed]:
        return enrich(connection, claimed, channels=self._channels, asks=self._asks_before_resend)

    def seconds_to_next(self, connection: Connection, rooms: Mapping[str, int]) -> float:
        """How long until something can be claimed for the channels of `rooms`; POLL_SECONDS at most."""
        due = seconds_to_next_due(connection, self._router.channels_of(self._gate.claimable(rooms)))
        seconds = min(POLL_SECONDS if due is None else due, self._gate.seconds_to_change(rooms))
        return min(max(seconds, SHORTEST_SLEEP_SECONDS), POLL_SECONDS)
