"""G1, G3–G6 and G11 as properties: whatever is done to the outbox, in whatever order, what is there is what must be.

Hypothesis draws the moves: publish, commit and roll back, claim, send, settle, crash, rescue, replay, cancel, expire,
pause. They are made on the real PostgreSQL by the real functions; after each, the rows are compared with a model's and
judged by the invariants. In the end everything comes to rest, and then nothing may be unfinished.

    PROPERTY_EXAMPLES=2000 .venv/bin/python -m pytest tests/properties --timeout 0
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from notifications import conf
from notifications.lifecycle import Accepted, Outcome, Permanent, Throttled, Transient, Unknown
from tests.properties.effort import effort
from tests.properties.players import AN_HOUR, CHANNELS, Relay
from tests.properties.relaying import RelayingWorld

RELAYS, RECIPIENTS = 3, 2
OUTCOMES: Sequence[Outcome] = (
    Accepted("yes"),
    Transient("refused"),
    Unknown("timeout"),
    Permanent("no"),
    Throttled("slow", AN_HOUR),
)

places = st.integers(0, 5)  # among those that a move is open to
recipients = st.integers(0, RECIPIENTS - 1)
channels = st.sampled_from([("sms",), ("email",), CHANNELS])
some = st.sets(st.integers(0, 7), min_size=1, max_size=3)  # messages, from the youngest


def where(able: Callable[[Relay], Any]) -> Callable[[Any], Any]:
    """A move that is open to the relays that are `able`, if there are any."""
    return precondition(lambda machine: any(map(able, machine.world.relays)))


def is_connected(relay: Relay) -> bool:
    return not relay.is_cut_off


def can_send(relay: Relay) -> bool:
    return bool(relay.claimed)


def can_settle(relay: Relay) -> bool:
    return bool(relay.unsettled) and is_connected(relay)


class Protocol(RuleBasedStateMachine):
    """The moves."""

    world: RelayingWorld

    @initialize(lanes=st.sampled_from(conf.LANES))
    def begin(self, lanes: str) -> None:
        self.world = RelayingWorld(lanes=lanes, recipients=RECIPIENTS, relays=RELAYS)

    @invariant()
    def all_is_well(self) -> None:
        self.world.check()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            if sys.exception() is None:  # else what went wrong is told, and not what follows from it
                self.world.come_to_rest()
        finally:
            self.world.close()

    def relay(self, able: Callable[[Relay], bool], place: int) -> Relay:
        chosen = [relay for relay in self.world.relays if able(relay)]
        return chosen[place % len(chosen)]

    def messages(self, chosen: set[int]) -> list[int]:
        youngest = sorted(self.world.model.messages, reverse=True)
        return [youngest[place] for place in chosen if place < len(youngest)]

    # Publishers and staff

    @rule(who=recipients, channels=channels, commits=st.booleans() | st.just(True), key=st.sampled_from(["", "", "once"]))
    def publish(self, who: int, channels: tuple[str, ...], commits: bool, key: str) -> None:
        self.world.publish(self.world.recipients[who], channels, commits=commits, key=key)

    @rule(who=recipients, channels=channels)
    def publish_after_undoing(self, who: int, channels: tuple[str, ...]) -> None:
        self.world.publish_after_undoing(self.world.recipients[who], channels)

    @rule(who=recipients, channels=channels)
    def publish_beside(self, who: int, channels: tuple[str, ...]) -> None:
        self.world.publish_beside(self.world.recipients[who], channels)

    @rule(chosen=some, beside=st.booleans())
    def cancel(self, chosen: set[int], beside: bool) -> None:
        (self.world.cancel_beside if beside else self.world.cancel)(self.messages(chosen))

    @precondition(lambda self: self.world.model.with_status("failed"))
    @rule(chosen=some, beside=st.booleans())
    def replay(self, chosen: set[int], beside: bool) -> None:
        failed = [message.id for message in self.world.model.with_status("failed")]
        ids = {failed[place % len(failed)] for place in chosen} | set(self.messages(chosen))
        (self.world.replay_beside if beside else self.world.replay)(ids)

    @precondition(lambda self: self.world.open)
    @rule(commits=st.booleans())
    def end(self, commits: bool) -> None:
        self.world.end(commits=commits)

    @rule(channel=st.sampled_from(CHANNELS), pauses=st.booleans())
    def pause_or_resume(self, channel: str, pauses: bool) -> None:
        (self.world.pause if pauses else self.world.resume)(channel)

    @precondition(lambda self: self.world.is_all_counted)
    @rule()
    def prune(self) -> None:
        """Long after: all relays have counted what they did."""
        for relay in self.world.relays:
            self.world.beat(relay, prompt=False)
        self.world.prune()

    # Time

    @rule(chosen=some)
    def grow_late(self, chosen: set[int]) -> None:
        self.world.grow_late(self.messages(chosen))

    @rule()
    def fall_due(self) -> None:
        self.world.fall_due()

    @rule(place=places, runs_out=st.booleans())
    def fall_silent(self, place: int, runs_out: bool) -> None:
        """A relay that lives or died: its heartbeat stays away, for longer than its lease or not."""
        numbers = sorted(self.world.standing)
        (self.world.run_out if runs_out else self.world.fall_silent)(numbers[place % len(numbers)])

    # Relays

    @where(is_connected)
    @rule(place=places, limit=st.sampled_from([1, 2, 100]))
    def claim(self, place: int, limit: int) -> None:
        self.world.claim(self.relay(is_connected, place), limit)

    @where(is_connected)
    @rule(place=places)
    def claim_unheard(self, place: int) -> None:
        self.world.claim(self.relay(is_connected, place), 1, is_heard=False)

    @where(can_send)
    @rule(place=places, outcome=st.sampled_from(OUTCOMES))
    def deliver(self, place: int, outcome: Outcome) -> None:
        self.world.deliver(self.relay(can_send, place), outcome)

    @where(can_settle)
    @rule(place=places)
    def settle(self, place: int) -> None:
        self.world.settle(self.relay(can_settle, place))

    @where(is_connected)
    @rule(place=places, prompt=st.booleans())
    def beat(self, place: int, prompt: bool) -> None:
        self.world.beat(self.relay(is_connected, place), prompt=prompt)

    @where(is_connected)
    @rule(place=places)
    def lose_connection(self, place: int) -> None:
        self.world.lose_connection(self.relay(is_connected, place))

    @where(lambda relay: relay.is_cut_off)
    @rule(place=places)
    def reconnect(self, place: int) -> None:
        self.world.reconnect(self.relay(lambda relay: relay.is_cut_off, place))

    @rule(place=places)
    def crash(self, place: int) -> None:
        self.world.crash(self.world.relays[place % RELAYS])

    @rule(place=places)
    def oversleep(self, place: int) -> None:
        self.world.oversleep(self.world.relays[place % RELAYS])


def test_whatever_happens_in_whatever_order(transactional_db: None) -> None:
    run_state_machine_as_test(Protocol, settings=effort(60))
