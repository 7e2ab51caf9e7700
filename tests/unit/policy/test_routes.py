"""Routes: the choice between a channel's providers."""

from collections import Counter
from decimal import Decimal

import pytest

from notifications.policy.routes import Route, Tried, choose, draw, share_returned, weights


def shared(*shares: float) -> list[Route]:
    return [Route("sms", f"route{place}", share=share) for place, share in enumerate(shares)]


@pytest.mark.parametrize("shares", [(80, 20), (1, 1, 2), (0.5, 99.5), (100, 0)])
@pytest.mark.parametrize(("first", "step"), [(1, 1), (10_000_019, 3), (2**53 - 8_000, 2)])
def test_shares_are_honoured_within_two_percent_from_two_hundred_messages_on(
    shares: tuple[float, ...], first: int, step: int
) -> None:
    """Whatever the step between the ids: each booking makes three messages, of which one is an SMS."""
    routes, number = shared(*shares), 200
    went = Counter(choose(routes, drawn=draw(first + step * place)).name for place in range(number))
    for route, share in zip(routes, shares, strict=True):
        assert abs(went[route.name] / number - share / sum(shares)) <= 0.02, (route.name, went)


def test_the_same_message_draws_the_same_number() -> None:
    assert draw(17) == draw(17)
    assert 0.0 <= draw(2**63 - 1) < 1.0


def test_a_route_serves_its_countries_and_addresses_of_none() -> None:
    route = Route("sms", "local", countries=frozenset({"IN"}))
    assert [route.serves(country) for country in ("IN", "DE", "")] == [True, False, True]
    assert Route("sms", "world").serves("DE")


def test_without_shares_the_cheapest_route_takes_everything_and_without_prices_the_first() -> None:
    world = Route("sms", "world", prices={"*": Decimal("0.01"), "IN": Decimal("0.05")}, currency="USD")
    local = Route("sms", "local", prices={"*": Decimal("0.02")}, currency="USD")
    assert weights([world, local], country="DE") == [1.0, 0.0]
    assert weights([world, local], country="IN") == [0.0, 1.0]
    assert weights([Route("sms", "free"), local], country="IN") == [1.0, 0.0]


def test_a_route_that_comes_back_gets_its_share_in_steps() -> None:
    steps = [share_returned(seconds, within=300.0) for seconds in (0.0, 29.9, 30.0, 150.0, 299.0, 300.0)]
    assert steps == [0.1, 0.1, 0.2, 0.6, 1.0, 1.0]
    both = shared(50, 50)
    assert weights(both, returned={both[0].key: 0.1})[0] == pytest.approx(1 / 11)
    in_order = [Route("sms", "first"), Route("sms", "second")]
    assert weights(in_order, returned={"sms:first": 0.1}) == pytest.approx([0.1, 0.9])


def test_routes_without_a_share_stand_in_when_no_other_is_open() -> None:
    assert weights(shared(0, 0)) == [0.5, 0.5]


def test_what_was_tried_is_kept_as_text_and_forgotten_after_the_wait() -> None:
    tried = Tried().and_on("twilio", for_good=False).and_on("vonage", for_good=True)
    assert str(tried) == "twilio,vonage!"
    assert Tried.read(str(tried)) == tried
    assert str(tried.anew()) == "vonage!"
    assert Tried.read("") == Tried()
    twilio, vonage, third = (Route("sms", name) for name in ("twilio", "vonage", "third"))
    assert tried.left([twilio, vonage, third]) == [third]
    assert tried.left([twilio, vonage]) == [twilio], "what refused for good comes last"
    assert tried.left([vonage]) == [vonage]
