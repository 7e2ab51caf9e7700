"""The business's name and the booking's link reach every template, and a wrong setting stops the start."""

from collections.abc import Callable

import pytest

from bookings.booking_links import token_of
from bookings.shared_context import context_of
from config import business_settings
from config.environment import ConfigurationError
from notifications.outbox import Facts


def test_a_message_about_a_booking_has_its_link_and_the_business(settings) -> None:
    settings.BUSINESS = {**settings.BUSINESS, "name": "Kayaks", "address": ("Harbour 1", "Hamburg")}
    settings.PUBLIC_URL = "https://kayaks.example"
    shared = context_of(Facts("booking.confirmed", "sms", {"booking": 12}, "en", "UTC"))
    assert shared["business"].name == "Kayaks"
    assert shared["business"].address == ("Harbour 1", "Hamburg")
    assert shared["site_url"] == "https://kayaks.example/"
    assert shared["booking_url"] == f"https://kayaks.example/b/{token_of(12)}/"


def test_a_change_of_the_settings_is_seen_by_the_next_message(settings) -> None:
    message = Facts("booking.confirmed", "sms", {"booking": 12}, "en", "UTC")
    before = context_of(message)
    settings.BUSINESS = {**settings.BUSINESS, "name": "Canoes"}
    settings.PUBLIC_URL = "https://canoes.example"
    settings.OUTBOX_LINK_KEY = "another key of links"
    after = context_of(message)
    assert after["business"].name == "Canoes"
    assert after["site_url"].startswith("https://canoes.example/")
    assert after["booking_url"].startswith("https://canoes.example/b/c-")
    assert after["booking_url"].split("/")[-2] != before["booking_url"].split("/")[-2], "the key"
    settings.PUBLIC_URL = ""
    assert context_of(message)["booking_url"] == ""


def test_what_one_message_adds_is_not_in_the_next() -> None:
    context_of(Facts("booking.confirmed", "sms", {"booking": 12}, "en", "UTC"))
    assert "booking_url" not in context_of(Facts("account.password_set", "sms", {}, "en", "UTC"))


@pytest.mark.parametrize(
    ("read", "variable", "value"),
    [
        (business_settings._line, "BUSINESS_NAME", "Kayaks\nBcc: all"),
        (business_settings._line, "BUSINESS_NAME", "K" * 201),
        (business_settings._time_zone, "BUSINESS_TIME_ZONE", "Europe/Nowhere"),
        (business_settings._currency, "BUSINESS_CURRENCY", "euro"),
        (business_settings._website, "BUSINESS_WEBSITE", "javascript:alert(1)"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it(read: Callable, variable: str, value: str, monkeypatch) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=f"{variable} must be"):
        read(variable, default="")
