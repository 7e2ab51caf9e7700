"""What customers are told: who we are first, then what happened, in money, then what to do; an SMS is one segment."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings

from bookings import announcements, booking_links
from notifications import kinds, outbox
from notifications.channels import needs_of
from notifications.content.compose import Reader, put_into_words
from notifications.content.sms_segments import segments

LANGUAGES = ("en", "de")
LINK = re.compile(r"https://book\.example\.com/[^\s\"<]*")
OURS = sorted(
    {kind.name for kind in announcements.KINDS} | {name for name in kinds.names() if name.startswith("account.")}
)


@pytest.fixture(autouse=True)
def business(settings: LazySettings) -> None:
    settings.PUBLIC_URL = "https://book.example.com"
    settings.BUSINESS = {**settings.BUSINESS, "name": "Blue Bay Kayaks", "legal": ("Blue Bay Ltd, HRB 1234",)}


def said(name: str, channel: str, language: str, zone: str = "Europe/Berlin", **more: Any) -> dict[str, str]:
    needs = needs_of(channel)
    assert needs
    reader = Reader(7, language, zone)
    context = {**kinds.get(name).sample, **more}
    return dict(put_into_words(name, context, form=needs.form_for(name), reader=reader).parts)


def texts() -> Iterator[tuple[str, str, str]]:
    """By SMS: each kind in each language, with each of its variants, to a reader far away."""
    variants: dict[str, list[dict[str, Any]]] = {
        "booking.cancelled": [{"refund": 2500}, {"refund": 0}],
        "payment.refunded": [{"reason": reason} for reason in ("cancelled", "sold_out", "order_already_paid")],
        "account.access_code_sms": [{"purpose": each} for each in ("signup", "signin", "reset", "close", "guest")],
    }
    for name in OURS:
        if "sms" in kinds.get(name).channels:
            for language in LANGUAGES:
                for variant in variants.get(name, [{}]):
                    late = {"booking": 123_456} if "booking" in kinds.get(name).sample else {}
                    code = {"verification": 12_345_678} if "verification" in kinds.get(name).sample else {}
                    yield name, language, said(name, "sms", language, "Asia/Tokyo", **late, **code, **variant)["text"]


def test_an_sms_fits_one_segment_with_our_name_first() -> None:
    all_of_them = list(texts())
    assert len(all_of_them) > 30
    for name, language, text in all_of_them:
        assert text.startswith("Blue Bay Kayaks: "), (name, text)
        counted = segments(text)
        assert (counted.count, counted.encoding) == (1, "GSM-7"), (name, language, len(text), text)


@pytest.mark.parametrize("name", ["booking.confirmed", "booking.reminder", "slot.moved"])
@pytest.mark.parametrize("channel", ["sms", "whatsapp", "email"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_about_a_booking_has_the_short_link_to_it(name: str, channel: str, language: str) -> None:
    for part, text in said(name, channel, language).items():
        if part != "subject":
            links = {found for found in LINK.findall(text) if "/webhooks/" not in found}
            assert links == {booking_links.link_for(1234)}, (part, text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [name for name in OURS if "email" in kinds.get(name).channels])
def test_an_email_says_who_writes(name: str, language: str) -> None:
    parts = said(name, "email", language)
    assert parts["subject"].startswith("Blue Bay Kayaks: ")
    assert parts["text"].startswith("Blue Bay Kayaks\n"), parts["text"]
    for part in ("text", "html"):
        assert parts[part].count("Blue Bay Ltd, HRB 1234") == 1, (part, name)
    assert f'<html lang="{language}">' in parts["html"]
    assert "{" not in parts["text"], parts["text"]


@pytest.mark.parametrize("name", ["booking.confirmed", "booking.reminder", "slot.moved"])
@pytest.mark.parametrize(
    ("language", "there", "own"), [("en", "6:00 PM CET", "12:00 PM EST"), ("de", "18:00 MEZ", "12:00 GMT-5")]
)
def test_a_visit_is_said_with_its_place_and_in_the_venues_time(name: str, language: str, there: str, own: str) -> None:
    for channel in ("email", "whatsapp"):
        parts = said(name, channel, language, "America/New_York")
        for part in parts.keys() - {"subject"}:
            assert "Harbour Street 1, Hamburg" in parts[part], (channel, part)
            assert "https://maps.example/harbour" in parts[part], (channel, part)
            assert f"{there} ({own})" in parts[part], (channel, part, parts[part])
    nowhere = said(name, "email", language, place="", map_url="")
    assert not any(word in nowhere["text"] for word in ("Where:", "Map:", "Wo:", "Karte:"))
    assert "Where" not in nowhere["html"]
    sms = said(name, "sms", language, "America/New_York")["text"]
    assert there in sms
    assert own not in sms, "no room for both: the venue's, which whoever comes goes by"


@pytest.mark.parametrize("name", ["booking.confirmed", "booking.reminder"])
def test_the_code_for_the_door_is_shown_where_there_is_one(name: str) -> None:
    assert 'src="cid:ticket"' in said(name, "email", "de")["html"]
    assert "den Code aus dem Anhang" in said(name, "email", "de")["text"]
    without = said(name, "email", "en", check_in="")
    assert "cid:" not in without["html"]
    assert "attached code" not in without["text"]


def test_the_words_are_those_that_a_business_would_send() -> None:
    assert "We've received your payment of €25.00" in said("booking.confirmed", "email", "en")["text"]
    cancelled = said("booking.cancelled", "email", "en")["text"]
    assert "We will refund €25.00. It can take a few days to appear on your statement." in cancelled
    assert "This booking can no longer be refunded." in said("booking.cancelled", "email", "en", refund=0)["text"]
    assert "Wir erstatten Ihnen 25,00 €." in said("booking.cancelled", "sms", "de")["text"]
    assert "kann nicht mehr erstattet werden" in said("booking.cancelled", "whatsapp", "de", refund=0)["text"]
    assert "Unsubscribe from reminder emails" in said("booking.reminder", "email", "en")["text"]
    assert "It can take a few days to appear on your statement." in said("payment.refunded", "email", "en")["text"]


@pytest.mark.parametrize("name", ["booking.cancelled", "slot.cancelled"])
def test_what_is_cancelled_offers_no_cancelling(name: str) -> None:
    assert "See or cancel" not in said(name, "email", "en")["html"]
    assert "Buchung ansehen</a>" in said(name, "email", "de")["html"]


def test_a_cancellation_that_an_earlier_release_wrote_promises_nothing() -> None:
    """Its context says nothing of a refund."""
    needs = needs_of("sms")
    assert needs
    context = {key: value for key, value in announcements.BOOKING_CANCELLED.sample.items() if key != "refund"}
    worded = put_into_words(
        "booking.cancelled", context, form=needs.form_for("booking.cancelled"), reader=Reader(7, "en", "UTC")
    )
    assert "refund" not in worded.parts["text"]


def test_without_a_public_address_no_link_is_missed(settings: LazySettings) -> None:
    settings.PUBLIC_URL = ""
    for name in OURS:
        for channel in kinds.get(name).channels:
            for part, text in said(name, channel, "en", map_url="").items():
                assert "://" not in text, (name, part)
                assert text == text.strip()
    assert outbox.public_link("slots-page") == ""
