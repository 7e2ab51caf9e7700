"""Decides how much each channel may claim now (G10). A paused channel may claim nothing. While a channel's provider is
out of service, one probe at a time may be sent; after it has recovered, messages go out at a rising rate. A rate limit
holds over all relays.

An open channel without a limit costs nothing here: its state comes with the heartbeat. A limited one is locked for the
length of a claim.

Where a channel has several routes, each of them has a state of its own under its key (`sms:vonage`), and so a breaker
and a rate. The channel's own state can pause them all, and say to which route staff moved everything.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from typing import Any

from notifications.protocol import sql_channels as sql
from notifications.relay.breaker import FAILURES, Breaker
from notifications.relay.connection import Connection
from notifications.relay.messages import Claimed, Clock
from notifications.telemetry import emit

FIRST_PROBE_SECONDS, LONGEST_PROBE_SECONDS = 1.0, 30.0  # between probes: doubled each time
RAMP_FIRST_RATE = 5.0  # messages a second at which a recovered channel begins; doubled every second
RAMP_SECONDS = 12.0  # after which the rise ends and only its own limit is left
BURST_SECONDS = 0.1  # of a limited rate: the most that may be sent at once


@dataclass(slots=True)
class ChannelReading:
    """A channel's state, on which all relays agree. Its seconds count from `read_at`, a reading of Clock."""

    is_paused: bool = False  # by itself, or with its channel
    is_broken: bool = False
    is_failing: bool = False  # no answer has followed its last failures yet, as far as the relays have reported
    probe_in: float = 0.0
    recovered_for: float = inf
    read_at: float = 0.0


class Gate:
    """Decides for one relay. `rates`: the channels' limits, in messages a second over all relays. `channels`: to which
    channel each of the breakers' names belongs, where that is a route's key.
    """

    def __init__(
        self,
        breakers: Mapping[str, Breaker],
        *,
        rates: Mapping[str, float],
        channels: Mapping[str, str] | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._breakers = breakers
        self._rates = rates
        self._clock = clock
        self._channels = channels or {}
        self._states = {name: ChannelReading() for name in breakers}
        self._next_slot_at = dict.fromkeys(breakers, 0.0)
        self._throttled_until = dict.fromkeys(self._channels, 0.0)
        self._paused_channels: set[str] = set()
        self._moved_to: dict[str, str] = {}

    def register_channels(self, connection: Connection) -> None:
        """Add the channels, and the routes, to the database where they are missing."""
        connection.execute(sql.REGISTER_CHANNELS, {"channels": sorted({*self._states, *self._channels.values()})})

    def learn(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over the channels' states as a heartbeat brought them."""
        for channel in set(self._channels.values()) & rows.keys():
            (self._paused_channels.add if rows[channel]["is_paused"] else self._paused_channels.discard)(channel)
            self._moved_to[channel] = str(rows[channel]["moved_to"] or "")
        for name in self._states.keys() & rows.keys():
            row = rows[name]
            recovered_for = row["recovered_for"]
            state = ChannelReading(
                is_paused=bool(row["is_paused"]) or self._channels.get(name) in self._paused_channels,
                is_broken=bool(row["is_broken"]),
                is_failing=bool(row["failures"]) or bool(row["is_broken"]),
                probe_in=float(row["probe_in"] or 0.0),
                recovered_for=inf if recovered_for is None else float(recovered_for),
                read_at=self._clock(),
            )
            self._announce(name, self._states[name], state)
            self._states[name] = state
            self._breakers[name].learn(is_broken=state.is_broken, failures=int(row["failures"] or 0))

    def report(self, connection: Connection) -> None:
        """Write down what was seen of the providers, where that changes anything.

        Failures always do. An answer does while failures are counted, whichever relay saw them: it ends their row.
        Until then it stays with the breaker and costs nothing.
        """
        for name, breaker in self._breakers.items():
            if breaker.has_news(is_failing=self._states[name].is_failing):
                report = breaker.take_report()
                parameters = {
                    "channel": name,
                    "failures": report.failures,
                    "has_answered": report.has_answered,
                    "code": report.code,
                    "knows_outage": breaker.is_broken,
                    "most": FAILURES,
                    "first_probe": FIRST_PROBE_SECONDS,
                    "longest_probe": LONGEST_PROBE_SECONDS,
                }
                ((states,),) = connection.execute(sql.REPORT_CHANNEL, parameters).fetchall()
                self.learn(states)

    @contextmanager
    def granting(self, connection: Connection, rooms: Mapping[str, int]) -> Iterator[dict[str, int]]:
        """Yield how many messages each channel with room may claim within this block.

        This takes the right to probe and locks limited channels. Pass what was claimed to `charge`, within the block.
        """
        free = self.free(rooms)
        probing = {name: 1 for name in rooms if self._take_probe(connection, name)}
        metered = {name: room for name, room in rooms.items() if self._is_metered(name)}
        if not metered:
            yield free | probing
            return
        with connection.transaction():
            yield free | probing | self._grant(connection, metered)

    def charge(self, connection: Connection, claimed: list[Claimed]) -> None:
        """Count what was claimed against the limits, within the block of `granting`."""
        counts: dict[str, int] = {}
        for message in claimed:
            if self._is_metered(message.key):
                counts[message.key] = counts.get(message.key, 0) + 1
        for name, count in counts.items():
            parameters = {"channel": name, "seconds": count / self._rate(name), "burst": BURST_SECONDS}
            ((wait,),) = connection.execute(sql.CHARGE_CHANNEL, parameters).fetchall()
            self._next_slot_at[name] = self._clock() + wait

    def is_open(self, name: str) -> bool:
        """Whether messages may go over the route called `name`, as far as this relay knows. From any thread."""
        state = self._states[name]
        is_broken = self._breakers[name].is_broken
        return not (state.is_paused or is_broken or self._clock() < self._throttled_until.get(name, 0.0))

    def is_probe(self, name: str) -> bool:
        """Whether what `granting` yields for `name` is the right to test a provider that is out of service."""
        return self._states[name].is_broken

    def throttle(self, name: str, seconds: float) -> None:
        """A route's provider takes nothing for so long, and another route may. From any thread."""
        if name in self._throttled_until:
            self._throttled_until[name] = self._clock() + seconds

    def moved_to(self, channel: str) -> str:
        """The route to which staff moved all of a channel's messages; empty: none."""
        return self._moved_to.get(channel, "")

    def recovered_for(self, name: str) -> float:
        """How many seconds ago the last outage ended; inf: there was none."""
        state = self._states[name]
        return state.recovered_for + self._clock() - state.read_at

    def free(self, rooms: Mapping[str, int]) -> dict[str, int]:
        """Those of `rooms` whose channels may claim as many messages as they have room for."""
        return {name: room for name, room in rooms.items() if self.is_free(name)}

    def open_channels(self) -> list[str]:
        """The channels whose messages will move without anybody's help, now or later."""
        return [name for name, state in self._states.items() if not state.is_paused]

    def claimable(self, names: Mapping[str, int]) -> list[str]:
        """Which of `names` may claim their due messages at once."""
        now = self._clock()
        return [
            name for name in names if self.is_free(name) or (self._is_metered(name) and now >= self._next_slot_at[name])
        ]

    def seconds_to_change(self, names: Mapping[str, int]) -> float:
        """How long until one of `names` that may claim nothing now may claim something."""
        now = self._clock()
        waits = [inf]
        for name in names:
            state = self._states[name]
            if state.is_broken and not state.is_paused:
                waits.append(state.read_at + state.probe_in - now)
            elif self._is_throttled(name):
                waits.append(self._throttled_until[name] - now)
            elif self._is_metered(name):
                waits.append(self._next_slot_at[name] - now)
        return min(waits)

    def is_free(self, name: str) -> bool:
        """Whether `name` may claim as many messages as it has room for."""
        state = self._states[name]
        is_closed = state.is_paused or self._breakers[name].is_broken or self._is_throttled(name)
        return not (is_closed or self._is_metered(name))

    def _is_metered(self, name: str) -> bool:
        state = self._states[name]
        return not (state.is_paused or state.is_broken or self._is_throttled(name)) and self._rate(name) < inf

    def _is_throttled(self, name: str) -> bool:
        return bool(self._throttled_until) and self._clock() < self._throttled_until.get(name, 0.0)

    def _rate(self, name: str) -> float:
        """Messages a second that the channel may send now, over all relays."""
        recovered_for = self.recovered_for(name)
        ramp = inf if recovered_for > RAMP_SECONDS else RAMP_FIRST_RATE * 2.0**recovered_for
        return min(self._rates.get(name, inf), ramp)

    def _take_probe(self, connection: Connection, name: str) -> bool:
        """Take the right to send the one message that tests a provider; False if it is not time, or it is taken."""
        state = self._states[name]
        if state.is_paused or not state.is_broken or self._clock() < state.read_at + state.probe_in:
            return False
        state.probe_in = self._clock() - state.read_at + FIRST_PROBE_SECONDS
        parameters = {"channel": name, "pause": FIRST_PROBE_SECONDS}
        return bool(connection.execute(sql.TAKE_PROBE, parameters).fetchall())

    def _grant(self, connection: Connection, metered: Mapping[str, int]) -> dict[str, int]:
        """How many messages the rates allow now. Locks the channels until the block ends, so that relays take turns."""
        rows = connection.execute(sql.LOCK_CHANNELS, {"channels": sorted(metered)}).fetchall()
        grants: dict[str, int] = {}
        for name, credit in rows:
            rate = self._rate(name)
            if rate == inf:  # the rise after an outage has ended since `_is_metered` was asked
                grants[name] = metered[name]
            elif credit >= 0:
                grants[name] = min(metered[name], int(min(credit, BURST_SECONDS) * rate) + 1)
            else:
                self._next_slot_at[name] = self._clock() - credit
        return grants

    def _announce(self, name: str, before: ChannelReading, after: ChannelReading) -> None:
        if after.is_broken != before.is_broken:
            emit("channel.broken" if after.is_broken else "channel.recovered", channel=name)
        if after.is_paused != before.is_paused:
            emit("channel.paused" if after.is_paused else "channel.resumed", channel=name)
