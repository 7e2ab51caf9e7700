"""When a relay claims next: at once after anything that happened since its last claim began, else when it said."""

from notifications.relay.claim_timer import ClaimTimer


def test_a_relay_that_starts_claims_at_once() -> None:
    timer = ClaimTimer(lambda: 100.0)
    assert (timer.is_due, timer.seconds_left) == (True, 0.0)


def test_it_claims_again_when_its_moment_has_come() -> None:
    now = [100.0]
    timer = ClaimTimer(lambda: now[0])
    timer.begin_claim()
    timer.claim_in(5.0)
    assert (timer.is_due, timer.seconds_left) == (False, 5.0)
    now[0] = 105.0
    assert (timer.is_due, timer.seconds_left) == (True, 0.0)


def test_what_happens_during_a_claim_asks_for_another() -> None:
    timer = ClaimTimer(lambda: 100.0)
    timer.begin_claim()
    timer.claim_now()
    timer.claim_in(5.0)
    assert (timer.is_due, timer.seconds_left) == (True, 0.0)
