"""What a channel's state, as a heartbeat brought it, lets a relay claim, and when that changes; without a database."""

from math import inf
from typing import Any

import pytest

from notifications.relay.breaker import Breaker
from notifications.relay.gate import RAMP_SECONDS, Gate

OPEN: dict[str, Any] = {
    "is_paused": False,
    "is_broken": False,
    "failures": 0,
    "probe_in": None,
    "recovered_for": None,
}
ROOM = {"sms": 100}


class Channel:
    """The gate of one channel, and its clock."""

    def __init__(self, *, rate: float = inf, **state: Any) -> None:
        self.now = 1_000.0
        self.gate = Gate({"sms": Breaker()}, rates={"sms": rate}, clock=lambda: self.now)
        self.gate.learn({"sms": OPEN | state})


@pytest.mark.parametrize(
    ("state", "is_free", "is_left"),
    [
        ({}, True, True),
        ({"is_paused": True}, False, False),
        ({"is_broken": True, "probe_in": 5.0}, False, True),
        ({"is_paused": True, "is_broken": True, "probe_in": 5.0}, False, False),
        ({"recovered_for": 1.0}, False, True),
        ({"recovered_for": RAMP_SECONDS + 0.1}, True, True),
    ],
)
def test_an_open_channel_is_free_and_only_a_paused_one_waits_for_somebody(
    state: dict[str, Any], is_free: bool, is_left: bool
) -> None:
    gate = Channel(**state).gate
    assert gate.free(ROOM) == (ROOM if is_free else {})
    assert gate.open_channels() == (["sms"] if is_left else [])


@pytest.mark.parametrize(
    ("rate", "state", "is_claimable"),
    [
        (inf, {}, True),
        (inf, {"is_paused": True}, False),
        (inf, {"is_broken": True, "probe_in": 0.0}, False),
        (2.0, {}, True),
        (2.0, {"is_paused": True}, False),
        (2.0, {"is_broken": True, "probe_in": 0.0}, False),
    ],
)
def test_what_may_be_claimed_at_once(rate: float, state: dict[str, Any], is_claimable: bool) -> None:
    assert Channel(rate=rate, **state).gate.claimable(ROOM) == (["sms"] if is_claimable else [])


def test_a_limited_channel_may_claim_at_the_very_moment_that_was_waited_for() -> None:
    """Or the relay would wait zero seconds, and again, and claim nothing."""
    channel = Channel(rate=2.0)
    channel.now = 0.0
    assert channel.gate.seconds_to_change(ROOM) == 0.0
    assert channel.gate.claimable(ROOM) == ["sms"]


def test_the_next_probe_is_waited_for_unless_the_channel_is_paused() -> None:
    channel = Channel(is_broken=True, probe_in=5.0)
    channel.now += 2.0
    assert channel.gate.seconds_to_change(ROOM) == 3.0
    assert Channel(is_broken=True, probe_in=5.0, is_paused=True).gate.seconds_to_change(ROOM) == inf
    assert Channel().gate.seconds_to_change(ROOM) == inf


@pytest.mark.parametrize(("seconds", "rate"), [(0.0, 5.0), (1.0, 10.0), (3.0, 40.0), (12.0, 20_480.0), (12.1, inf)])
def test_after_an_outage_the_rate_doubles_every_second(seconds: float, rate: float) -> None:
    """As docs/guarantees.md says: at a rising rate. Half of it was over when the heartbeat came."""
    channel = Channel(recovered_for=seconds / 2)
    channel.now += seconds / 2
    assert channel.gate._rate("sms") == pytest.approx(rate)
    limited = Channel(rate=7.0, recovered_for=seconds)
    assert limited.gate._rate("sms") == pytest.approx(min(rate, 7.0))
