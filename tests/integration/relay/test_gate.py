"""The gate by hand: who may probe, how much a limited channel may claim, and that relays take turns."""

import itertools
import logging
import threading
import time
from collections.abc import Callable

import pytest
from django.utils import timezone

from notifications.models import ChannelState
from notifications.relay.breaker import FAILURES, Breaker
from notifications.relay.gate import BURST_SECONDS, FIRST_PROBE_SECONDS, RAMP_SECONDS, Gate
from notifications.relay.messages import Claimed
from tests.factories.notifications import RecipientFactory, publish
from tests.stage.locks import waiting_for_a_lock
from tests.stage.relay import HandRelay
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

MakeRelay = Callable[..., HandRelay]
LONG_AGO = "2020-01-01T00:00:00Z"


def a_gate(relay: HandRelay, *, rate: float = 0.0) -> Gate:
    gate = Gate({"sms": Breaker()}, rates={"sms": rate} if rate else {})
    gate.register_channels(relay.connection)
    return gate


def learn(gate: Gate, relay: HandRelay) -> None:
    gate.learn(relay.lease.beat(relay.connection, in_flight=0).channels)


def limits(gate: Gate, relay: HandRelay, *, room: int = 1_000) -> dict[str, int]:
    with gate.granting(relay.connection, {"sms": room}) as granted:
        return granted


def claimed(number: int) -> list[Claimed]:
    """So many messages, as far as the gate is concerned."""
    return [Claimed(**dict.fromkeys(Claimed._fields) | {"channel": "sms"})] * number


def test_an_open_channel_may_take_whatever_has_room(hand_relay: MakeRelay) -> None:
    relay = hand_relay()
    assert limits(a_gate(relay), relay, room=7) == {"sms": 7}


def test_of_two_relays_one_may_probe(hand_relay: MakeRelay) -> None:
    relays = [hand_relay(), hand_relay()]
    gates = [a_gate(relay) for relay in relays]
    ChannelState.objects.update(failures=FAILURES, broken_at=LONG_AGO, probe_at=LONG_AGO)
    for gate, relay in zip(gates, relays, strict=True):
        learn(gate, relay)
    assert [limits(gate, relay) for gate, relay in zip(gates, relays, strict=True)] == [{"sms": 1}, {}]
    assert limits(gates[0], relays[0]) == {}, "nor twice"


def test_after_a_probe_the_next_is_waited_for_without_a_statement(hand_relay: MakeRelay) -> None:
    relay = hand_relay()
    now = [1_000.0]
    gate = Gate({"sms": Breaker()}, rates={}, clock=lambda: now[0])
    gate.register_channels(relay.connection)
    ChannelState.objects.update(failures=FAILURES, broken_at=LONG_AGO, probe_at=LONG_AGO)
    learn(gate, relay)
    now[0] += 3.0
    assert limits(gate, relay) == {"sms": 1}
    assert gate.seconds_to_change({"sms": 1}) == FIRST_PROBE_SECONDS
    relay.connection.close()
    assert limits(gate, relay) == {}


def test_a_broken_channel_that_is_paused_is_not_probed(hand_relay: MakeRelay) -> None:
    relay = hand_relay()
    gate = a_gate(relay)
    ChannelState.objects.update(failures=FAILURES, broken_at=LONG_AGO, probe_at=LONG_AGO, paused_at=LONG_AGO)
    learn(gate, relay)
    assert limits(gate, relay) == {}


def test_of_several_channels_each_gets_its_own(hand_relay: MakeRelay) -> None:
    """One is open, one is probed, one is limited, and one is paused."""
    relay = hand_relay()
    gate = Gate({name: Breaker() for name in ("email", "pigeon", "sms", "whatsapp")}, rates={"sms": 20.0})
    gate.register_channels(relay.connection)
    ChannelState.objects.update(next_slot_at=LONG_AGO)
    whatsapp = ChannelState.objects.filter(name="whatsapp")
    whatsapp.update(failures=FAILURES, broken_at=LONG_AGO, probe_at=LONG_AGO)
    ChannelState.objects.filter(name="pigeon").update(paused_at=LONG_AGO)
    learn(gate, relay)
    with gate.granting(relay.connection, dict.fromkeys(("email", "pigeon", "sms", "whatsapp"), 9)) as granted:
        assert granted == {"email": 9, "whatsapp": 1, "sms": int(20 * BURST_SECONDS) + 1}


def test_what_an_open_channel_claimed_is_written_nowhere(hand_relay: MakeRelay) -> None:
    relay = hand_relay()
    gate = a_gate(relay)
    ChannelState.objects.update(next_slot_at=LONG_AGO)
    with gate.granting(relay.connection, {"sms": 9}):
        gate.charge(relay.connection, claimed(9))
    assert ChannelState.objects.get().next_slot_at.year == 2020


def test_a_rise_that_ends_just_now_limits_nothing(hand_relay: MakeRelay) -> None:
    """Between two looks at the clock the rate became infinite."""
    relay = hand_relay()
    ChannelState.objects.update_or_create(name="sms", defaults={"recovered_at": timezone.now()})
    looks = itertools.count()
    gate = Gate({"sms": Breaker()}, rates={}, clock=lambda: 0.0 if next(looks) < 3 else RAMP_SECONDS + 1)
    learn(gate, relay)
    assert limits(gate, relay, room=7) == {"sms": 7}


def test_what_a_limited_channel_did_not_use_is_forfeited_but_for_a_burst(hand_relay: MakeRelay) -> None:
    relay = hand_relay()
    gate = a_gate(relay, rate=50)
    ChannelState.objects.update(next_slot_at=LONG_AGO)
    assert limits(gate, relay) == {"sms": int(50 * BURST_SECONDS) + 1}
    assert limits(gate, relay, room=2) == {"sms": 2}


def test_what_was_claimed_is_charged(hand_relay: MakeRelay) -> None:
    relay = hand_relay()
    gate = a_gate(relay, rate=2)
    with gate.granting(relay.connection, {"sms": 1_000}) as granted:
        gate.charge(relay.connection, claimed(granted["sms"]))
    assert 0 < gate.seconds_to_change({"sms": 1}) <= 1 / 2
    assert gate.claimable({"sms": 1}) == []
    assert limits(gate, relay) == {}
    assert 0 < gate.seconds_to_change({"sms": 1}) <= 1 / 2


def test_relays_take_turns_at_a_limited_channel(hand_relay: MakeRelay) -> None:
    first, second = hand_relay(), hand_relay()
    gate, other = a_gate(first, rate=10), a_gate(second, rate=10)
    ChannelState.objects.update(next_slot_at=LONG_AGO)
    granted_to_other: list[dict[str, int]] = []
    thread = threading.Thread(target=lambda: granted_to_other.append(limits(other, second)))
    began = time.monotonic()
    with gate.granting(first.connection, {"sms": 1_000}) as granted:
        gate.charge(first.connection, claimed(granted["sms"]))
        thread.start()
        wait_until(lambda: granted_to_other or second.connection.info.backend_pid in waiting_for_a_lock())
        assert not granted_to_other, "it waits for the first one's charge"
    thread.join()
    assert granted_to_other == [{}]
    turn = other.seconds_to_change({"sms": 1}) + time.monotonic()
    assert began < turn, "it has learnt when its turn may come"


def test_a_limited_claim_takes_no_more_than_it_was_granted(hand_relay: MakeRelay) -> None:
    relay = hand_relay()
    gate = a_gate(relay, rate=20)
    for recipient in RecipientFactory.create_batch(5):
        publish(recipient)
    ChannelState.objects.update(next_slot_at=LONG_AGO)
    with gate.granting(relay.connection, {"sms": 1_000}) as granted:
        taken = relay.claim(limit=granted["sms"])
        gate.charge(relay.connection, taken)
    assert len(taken) == granted["sms"] == int(20 * BURST_SECONDS) + 1


def test_each_change_of_a_channels_state_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate({"sms": Breaker()}, rates={})
    open_ = {"is_paused": False, "is_broken": False, "failures": 0, "probe_in": None, "recovered_for": None}
    with caplog.at_level(logging.INFO, logger="notifications"):
        for changes in ({}, {"is_paused": True}, {}, {"is_broken": True}, {}):
            for _ in range(2):
                gate.learn({"sms": open_ | changes, "pigeon": open_})
    told = [record.getMessage().split()[0] for record in caplog.records]
    assert told == ["channel.paused", "channel.resumed", "channel.broken", "channel.recovered"]
