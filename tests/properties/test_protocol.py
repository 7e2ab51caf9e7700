"""G1, G3–G6 and G11 as properties: whatever is done to the outbox, in whatever order, what is there is what must be.

Hypothesis draws the moves: publish, commit and roll back, claim, send, settle, crash, rescue, replay, cancel, expire,
pause. SMS go over two routes, of which one can be asked about a lost answer. They are made on the real PostgreSQL by
the real functions; after each, the rows are compared with a model's and judged by the invariants. In the end everything
comes to rest, and then nothing may be unfinished.

    PROPERTY_EXAMPLES=2000 make test ARGS="tests/properties/test_protocol.py"
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from notifications import conf
from notifications.lifecycle import (
    UNFINISHED,
    Accepted,
    Deferral,
    Outcome,
    Permanent,
    Status,
    Throttled,
    Transient,
    Unknown,
)
from tests.properties.effort import TIMEOUT, effort
from tests.properties.players import AN_HOUR, CHANNELS, KEYS, SWALLOWED, Relay
from tests.properties.relaying import EVERYTHING, RelayingWorld

RELAYS, RECIPIENTS = 2, 2
OUTCOMES: Sequence[Outcome] = (
    Accepted("yes"),
    Transient("refused"),
    Transient("smtp_451", deferral=Deferral()),
    Unknown("timeout"),
    SWALLOWED,
    Permanent("no"),
    Throttled("slow", AN_HOUR),
)

places = st.integers(0, 5)  # among those that a move is open to
rarely = st.sampled_from([False, False, False, True])
recipients = st.integers(0, RECIPIENTS - 1)
channels = st.sampled_from([("sms",), ("email",), CHANNELS])
WAYS_TO_PUBLISH = ("commit", "commit", "roll back", "undo", "once", "beside")
RARE = ("fall due", "grow late", "pause", "resume", "prune", "lose patience")
some = st.sets(places, min_size=1, max_size=2)


def picked(among: Sequence[Any], place: int) -> Any:
    return among[place % len(among)]


def is_cut_off(relay: Relay) -> bool:
    return relay.is_cut_off


def is_connected(relay: Relay) -> bool:
    return not relay.is_cut_off


def has_claimed(relay: Relay) -> bool:
    return bool(relay.claimed)


def has_sent(relay: Relay) -> bool:
    return bool(relay.unsettled) and is_connected(relay)


def is_busy(relay: Relay) -> bool:
    return bool(relay.in_hand) and is_connected(relay)


def some_relay(able: Callable[[Relay], bool]) -> Callable[[Any], Any]:
    """A move that is open to relays that are `able`, if there are any."""
    return precondition(lambda machine: any(map(able, machine.world.relays)))


def some_message(*statuses: str) -> Callable[[Any], Any]:
    return precondition(lambda machine: machine.world.model.with_status(*statuses))


class Protocol(RuleBasedStateMachine):
    """The moves."""

    world: RelayingWorld

    @initialize(
        lanes=st.sampled_from(conf.LANES), first=st.lists(st.tuples(recipients, channels), min_size=1, max_size=5)
    )
    def begin(self, lanes: str, first: list[tuple[int, tuple[str, ...]]]) -> None:
        self.world = RelayingWorld(lanes=lanes, recipients=RECIPIENTS, relays=RELAYS)
        for who, by in first:
            self.publish(who, by, how="commit")

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

    def relay(self, place: int, able: Callable[[Relay], bool]) -> Relay:
        return picked([relay for relay in self.world.relays if able(relay)], place)

    def messages(self, chosen: set[int], *statuses: str) -> set[int]:
        among = self.world.model.with_status(*statuses)
        return {picked(among, place).id for place in chosen if among}

    # Publishers and staff

    @rule(who=recipients, channels=channels, how=st.sampled_from(WAYS_TO_PUBLISH), urgent=rarely)
    def publish(self, who: int, channels: tuple[str, ...], how: str, urgent: bool = False) -> None:
        recipient, lane = self.world.recipients[who], "security" if urgent else ""
        match how:
            case "undo":
                self.world.publish_after_undoing(recipient, channels)
            case "beside":
                self.world.publish_beside(recipient, channels, lane=lane)
            case _:
                key = "once" if how == "once" else ""
                self.world.publish(recipient, channels, commits=how != "roll back", key=key, lane=lane)

    @precondition(lambda self: self.world.open)
    @rule(commits=st.booleans())
    def end(self, commits: bool) -> None:
        self.world.end(commits=commits)

    @some_message(*UNFINISHED)
    @rule(chosen=some, beside=rarely)
    def cancel(self, chosen: set[int], beside: bool) -> None:
        ids = self.messages(chosen, *UNFINISHED, "sent")
        (self.world.cancel_beside if beside else self.world.cancel)(ids)

    @some_message("failed")
    @rule(chosen=some, beside=rarely)
    def replay(self, chosen: set[int], beside: bool) -> None:
        ids = self.messages(chosen, "failed") | self.messages({0}, *Status)
        (self.world.replay_beside if beside else self.world.replay)(ids)

    @rule(what=st.sampled_from(RARE), channel=st.sampled_from(["sms", *KEYS]), place=places)
    def now_and_then(self, what: str, channel: str, place: int) -> None:
        match what:
            case "pause":
                self.world.pause(channel)
            case "resume":
                self.world.resume(channel)
            case "prune" if self.world.is_all_counted:
                self.world.prune()
            case "grow late":
                self.world.grow_late(self.messages({place}, *UNFINISHED))
            case "fall due":
                self.world.fall_due()
            case "lose patience":
                self.world.lose_patience()

    # Relays

    @some_relay(is_connected)
    @some_message("pending")
    @rule(place=places, limit=st.sampled_from([1, 2, 100]), is_lost=rarely)
    def claim(self, place: int, limit: int, is_lost: bool) -> None:
        """Lost: the connection breaks before the answer comes."""
        self.world.claim(self.relay(place, is_connected), limit, is_heard=not is_lost)

    @some_relay(has_claimed)
    @rule(place=places, outcome=st.sampled_from(OUTCOMES), is_silent=rarely)
    def deliver(self, place: int, outcome: Outcome, is_silent: bool) -> None:
        self.world.deliver(self.relay(place, has_claimed), outcome, is_silent=is_silent)

    @some_relay(has_sent)
    @rule(place=places, claims=st.booleans(), is_lost=rarely)
    def settle(self, place: int, claims: bool, is_lost: bool) -> None:
        """`claims`: and what comes next with it. Lost: the connection breaks before the answer comes."""
        self.world.settle(self.relay(place, has_sent), claims=claims, is_heard=not is_lost)

    @some_relay(is_connected)
    @some_message("pending")
    @rule(place=places, outcome=st.sampled_from(OUTCOMES))
    def claim_deliver_settle(self, place: int, outcome: Outcome) -> None:
        """As a relay does that nothing disturbs, once every retry is due."""
        relay = self.relay(place, is_connected)
        self.world.fall_due()
        self.world.claim(relay, EVERYTHING)
        while relay.claimed:
            self.world.deliver(relay, outcome)
        self.world.settle(relay)

    @some_relay(is_connected)
    @rule(place=places, prompt=st.booleans(), others=st.sampled_from(["heard", "silent", "outlasted"]))
    def beat(self, place: int, prompt: bool, others: str) -> None:
        """The heartbeats of the others, who live or are dead, have come as ever, or not for a while, or for a lease."""
        relay = self.relay(place, is_connected)
        for number in self.world.standing.keys() - {relay.id}:
            match others:
                case "silent":
                    self.world.fall_silent(number)
                case "outlasted":
                    self.world.outlast(number)
        self.world.beat(relay, prompt=prompt)

    @some_relay(is_busy)
    @rule(place=places, how=st.sampled_from(["crash", "cut off", "stop", "outlive"]))
    def fail(self, place: int, how: str) -> None:
        relay = self.relay(place, is_busy)
        match how:
            case "crash":
                self.world.crash(relay)
            case "cut off":
                self.world.lose_connection(relay)
            case "stop" if relay.id in self.world.standing:
                self.world.outlast(relay.id)
            case "outlive" if relay.id in self.world.standing:
                self.world.outlast(relay.id)
                for other in self.world.relays:
                    if is_connected(other) and other is not relay:
                        self.world.beat(other, prompt=False)
                self.world.beat(relay, prompt=False)  # it goes on under a new number, with old outcomes in hand

    @some_relay(is_cut_off)
    @rule(place=places)
    def reconnect(self, place: int) -> None:
        self.world.reconnect(self.relay(place, is_cut_off))


@pytest.mark.timeout(TIMEOUT)
def test_whatever_happens_in_whatever_order(transactional_db: None) -> None:
    run_state_machine_as_test(Protocol, settings=effort(45))
