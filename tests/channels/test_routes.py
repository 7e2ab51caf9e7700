"""OUTBOX_ROUTES: several providers of one channel, from settings and from the environment."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from config.routes import Misread, parse
from notifications.channels.console import ConsoleChannel
from notifications.channels.routes import build_routes, route_keys, route_problems, routed, routes_of

CONSOLE = "notifications.channels.console.ConsoleChannel"
TWILIO = "notifications.channels.twilio.SmsChannel"
EMAIL = "notifications.channels.email.EmailChannel"


def given(**routes: Any) -> Any:
    return override_settings(OUTBOX_ROUTES={"sms": routes}, OUTBOX_SENDS_IN_TESTS=True)


def test_a_channel_with_one_route_is_named_and_built_as_without() -> None:
    with given(only={"class": TWILIO}):
        assert (routes_of("sms"), route_keys("sms"), routed()) == ([], ["sms"], {})
        assert set(build_routes(["sms"])) == {"sms"}


def test_each_route_is_built_with_its_own_settings() -> None:
    account = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "token", "TWILIO_SMS_FROM": "+14155550199"}
    with given(first={"class": CONSOLE}, backup={"class": TWILIO, "settings": account}):
        built = build_routes(["sms"])
        assert list(built) == route_keys("sms") == ["sms:first", "sms:backup"]
        assert {channel.name for channel in built.values()} == {"sms"}
        assert isinstance(built["sms:first"], ConsoleChannel)
        assert built["sms:backup"]._sender == {"from_": "+14155550199"}  # type: ignore[attr-defined]
    with given(first={"class": CONSOLE}, backup={"class": TWILIO}), pytest.raises(ImproperlyConfigured, match="TWILIO"):
        build_routes(["sms"])
    with given(first={"class": CONSOLE}, letters={"class": EMAIL}), pytest.raises(ImproperlyConfigured, match="email"):
        build_routes(["sms"])


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"price": 1}, "currency must be the price's"),
        ({"price": "cheap", "currency": "USD"}, "price must be an amount"),
        ({"price": {"XX": 1}, "currency": "USD"}, "'XX', which is not a country"),
        ({"price": -1, "currency": "USD"}, "price must be at least 0"),
        ({"countries": ["Germany"]}, "'Germany', which is not a country"),
        ({"countries": "DE"}, "countries must be a list"),
        ({"share": "80"}, "share must be a number"),
        ({"share": float("nan")}, "share must be a number"),
        ({"rate": -1}, "rate must be a number"),
        ({"weight": 1}, "has weight; a route has"),
        ({"settings": "TWILIO"}, "settings must be a dict"),
        ({"class": None, "share": 1}, "class must be the dotted path"),
        ("twilio", "must be a dict"),
        ({"share": 50}, "give every route a share, or none"),
    ],
)
def test_a_wrong_entry_is_told_by_its_name(entry: Any, says: str) -> None:
    with given(twilio={}, other=entry):
        [problem] = route_problems()
    assert says in problem
    assert problem.startswith("OUTBOX_ROUTES['sms']")


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a,b", "a" * 29])
def test_a_name_must_fit_into_a_row_of_its_own(name: str) -> None:
    with given(**{name: {}, "other": {}}):
        assert len(route_problems()) == 1


def test_the_environment_names_routes_with_their_fields_and_settings() -> None:
    text = "twilio?share=80&price=0.0079&currency=USD, backup=twilio?share=20&countries=de+fr&rate=30"
    environment = {"ROUTE_BACKUP_TWILIO_SMS_FROM": "+1", "ROUTE_OTHER_X": "y", "TWILIO_SMS_FROM": "+2"}
    read = parse(text, classes={"twilio": TWILIO}, environment=environment)
    assert read == {
        "twilio": {"class": TWILIO, "share": 80.0, "price": "0.0079", "currency": "USD"},
        "backup": {
            "class": TWILIO,
            "share": 20.0,
            "countries": ["DE", "FR"],
            "rate": 30.0,
            "settings": {"TWILIO_SMS_FROM": "+1"},
        },
    }
    with given(**read):
        assert route_problems() == []
        assert routes_of("sms")[0].price_to("DE") == Decimal("0.0079")
    assert parse("", classes={}, environment={}) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("vonage", "'vonage' is no provider; there are twilio"),
        ("twilio,twilio", "two routes called twilio"),
        ("twilio?weight=1", "has 'weight'"),
        ("twilio?share=much", "share 'much', which is no number"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, says: str) -> None:
    with pytest.raises(Misread, match=says):
        parse(text, classes={"twilio": TWILIO}, environment={})
