"""What a campaign of failing providers measures, on a history in which it is known."""

from dataclasses import replace
from math import inf

from tests.chaos import planted_routes, punctual
from tests.chaos.history import Deed
from tests.chaos.planted import clean, never_accept
from tests.chaos.punctual import Spread


def test_a_message_waits_from_its_turn_until_a_provider_has_it() -> None:
    history = clean()
    waits = list(punctual.waits(history, "sms"))
    assert [round(wait, 6) for wait in waits] == [0.1] * 4, (
        "it led its lane 0.1 s after it was written, out 0.2 s after"
    )
    assert len(list(punctual.waits(history, "sms", begin=4.0, end=8.0))) == 2
    never_accept(history, 0)
    assert max(punctual.waits(history, "sms")) == inf


def test_the_99th_percentile_is_one_of_the_figures() -> None:
    assert Spread.of(range(1, 201)) == Spread(200, 101, 198, 200)
    assert Spread.of([0.5]) == Spread(1, 0.5, 0.5, 0.5)
    assert Spread.of([]).count == 0


def test_copies_and_routes_are_counted() -> None:
    history = clean()
    planted_routes.move_after_unknown(history)
    assert punctual.doubles(history) == 1
    assert punctual.accepted_over(history, "sms", end=3.0) == {"twilio": 1, "vonage": 1}


def test_relays_have_followed_a_pause_once_the_last_call_over_its_route_has_begun() -> None:
    history = clean()
    history.calls = [replace(call, route="twilio") for call in history.calls]
    pause = Deed("pause", "sms:twilio", 4.0, 6.0)
    assert round(punctual.followed_in(history, pause, channel="sms", left="twilio"), 6) == 0.2
    assert punctual.followed_in(history, pause, channel="sms", left="vonage") == 0.0
    assert punctual.relays_that_sent(history, "sms", begin=4.0, end=6.0) == {"relay-1.1"}
