"""The plan is a function of seed and minutes, has enough of everything, and leaves nothing broken."""

import pytest

from tests.chaos.plan import LEASE_SECONDS, LOSSES, RELAYS, count, plan

SEEDS = range(1, 21)


def test_the_same_seed_makes_the_same_plan_and_another_seed_another() -> None:
    assert plan(seed=7, minutes=10) == plan(seed=7, minutes=10)
    assert plan(seed=7, minutes=10) != plan(seed=8, minutes=10)


@pytest.mark.parametrize("seed", SEEDS)
def test_ten_minutes_have_enough_of_everything(seed: int) -> None:
    faults = plan(seed=seed, minutes=10)
    assert count(faults, "kill") >= 100
    assert count(faults, "restart") >= 10
    assert count(faults, "cut") >= 20
    assert {"stop", "stall", "slow", "mood", "fill", "skew", "migrate", "replace", "replay"} <= {
        fault.action for fault in faults
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_with_failover_the_primary_is_lost_twice_at_least_and_each_way_comes_before_any_comes_again(seed: int) -> None:
    assert count(plan(seed=seed, minutes=10), "failover") == 0
    assert count(plan(seed=seed, minutes=0.5, failover=True), "failover") == 2
    ways = [fault.value for fault in plan(seed=seed, minutes=5, failover=True) if fault.action == "failover"]
    assert sorted(ways) == sorted(LOSSES)


@pytest.mark.parametrize("minutes", [0.5, 1.0, 10.0])
def test_everything_is_in_order_of_time_and_within_the_campaign(minutes: float) -> None:
    times = [fault.at for fault in plan(seed=1, minutes=minutes)]
    assert times == sorted(times)
    assert times[0] > 0
    assert times[-1] <= 60 * minutes


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_broken_is_mended_again(seed: int) -> None:
    broken: set[tuple[str, str]] = set()
    for fault in plan(seed=seed, minutes=10):
        match fault.action:
            case "cut" | "stall" | "slow":
                broken.add(("network", fault.target))
            case "mend":
                broken.discard(("network", fault.target))
            case "stop":
                broken.add(("stop", fault.target))
            case "resume":
                broken.discard(("stop", fault.target))
            case "fill":
                broken.add(("disk", ""))
            case "free":
                broken.discard(("disk", ""))
    assert broken == set()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_stopped_relay_stays_away_for_longer_than_its_lease_and_is_not_killed_meanwhile(seed: int) -> None:
    stopped_at: dict[str, float] = {}
    for fault in plan(seed=seed, minutes=10):
        if fault.action == "stop":
            stopped_at[fault.target] = fault.at
        elif fault.action == "resume":
            is_cut_short = fault.at == 600.0
            assert fault.at - stopped_at.pop(fault.target) > LEASE_SECONDS or is_cut_short
        elif fault.action == "kill" and fault.target in stopped_at:
            assert set(stopped_at) == set(RELAYS), "another would have been there to be killed"
