"""Previews: every kind renders on every channel in every language there is; for authors at the terminal and staff."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from bookings.access_codes import Purpose
from bookings.announcements import ACCESS_CODE, KINDS
from notifications.kinds import Kind
from notifications.lifecycle import Status
from notifications.models import OutboxMessage
from notifications.selectors.kind_previews import preview_kind
from notifications.verification import REPLACED, masked_address
from tests.factories.notifications import RecipientFactory, registered

pytestmark = pytest.mark.django_db
PAGE = reverse("admin:notifications_preview")
EMAIL = reverse("admin:notifications_preview_email")


@pytest.mark.parametrize("locale", ["en", "de"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_has_words_for_every_channel(kind: Kind, locale: str) -> None:
    previews = preview_kind(kind, locale=locale, time_zone="Europe/Berlin")

    assert [(each.channel, each.problem) for each in previews] == [(channel, "") for channel in kind.channels]
    for each in previews:
        if each.channel == "sms":
            assert each.segments is not None
            assert (each.segments.encoding, each.segments.count) == ("GSM-7", 1)
        if each.channel == "email":
            assert f'lang="{locale}"' in each.parts["html"]
            assert "\n" not in each.parts["subject"]


@pytest.mark.parametrize("locale", ["en", "de"])
@pytest.mark.parametrize("purpose", Purpose)
def test_a_code_says_what_it_is_for_in_one_segment(purpose: Purpose, locale: str) -> None:
    said = {
        each: preview_kind(
            ACCESS_CODE["phone"],
            locale=locale,
            time_zone="UTC",
            context={"verification": 0, "purpose": each.value},
        )[0]
        for each in Purpose
    }
    segments = said[purpose].segments
    assert segments is not None
    assert (segments.encoding, segments.count) == ("GSM-7", 1)
    assert len({each.parts["text"] for each in said.values()}) == len(Purpose)


@pytest.mark.parametrize("locale", ["en", "de"])
def test_a_word_to_the_old_number_takes_one_segment(locale: str) -> None:
    (sms,) = preview_kind(
        REPLACED["phone"], locale=locale, time_zone="UTC", context={"new": masked_address("+14155550199")}
    )
    assert sms.segments is not None
    assert (sms.segments.encoding, sms.segments.count) == ("GSM-7", 1)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_title_that_somebody_typed_injects_nothing(kind: Kind) -> None:
    evil = "*x* http://evil.example\r\nBcc: a@b.com <img src=x onerror=alert(1)>"
    for each in preview_kind(kind, locale="en", time_zone="UTC", context={**kind.sample, "title": evil}):
        assert all("evil.example" not in text for text in each.parts.values())
        assert each.channel != "whatsapp" or "*x*" not in each.parts["text"]
        assert "\n" not in each.parts.get("subject", "")
        assert "<img src=x" not in each.parts.get("html", "")


@pytest.fixture
def page(client: Client) -> Iterator[Client]:
    user = User.objects.create_user("support", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_outboxmessage"))
    client.force_login(user)
    return client


def test_staff_see_every_channel_and_what_an_sms_takes(page: Client) -> None:
    shown = page.get(PAGE, {"kind": "booking.confirmed", "locale": "de", "time_zone": "Europe/Berlin"}).content.decode()

    assert "GSM-7, 1" in shown
    assert "Buchung 1234 ist bestätigt" in shown
    assert '<iframe class="outbox-email" sandbox' in shown
    assert page.get(PAGE).status_code == 200
    assert "Enter a time zone" in page.get(PAGE, {"time_zone": "Mars"}).content.decode()
    assert "language tag" in page.get(PAGE, {"locale": "klingon"}).content.decode()


def test_the_email_stands_in_a_frame_in_which_nothing_runs(page: Client) -> None:
    email = page.get(EMAIL, {"kind": "booking.confirmed"})

    assert email.content.startswith(b"<!doctype html>")
    assert email["X-Frame-Options"] == "SAMEORIGIN"
    assert "sandbox; default-src 'none'" in email["Content-Security-Policy"]
    assert page.get(EMAIL, {"kind": "nope"}).status_code == 404


def test_a_message_page_shows_its_email_in_a_frame(page: Client) -> None:
    kind = Kind("test.greeting", channels=("email",))
    with registered(kind):
        message = OutboxMessage(recipient=RecipientFactory(), kind=kind.name, channel="email", context={"name": "Ann"})
        message.status = Status.PENDING
        message.save()
    frame = reverse("admin:notifications_message_email", args=[message.pk])

    assert frame in page.get(reverse("admin:notifications_outboxmessage_change", args=[message.pk])).content.decode()
    assert b"Ann" in page.get(frame).content
    assert page.get(reverse("admin:notifications_message_email", args=[0])).status_code == 404


def test_who_may_not_look_at_messages_sees_no_preview(client: Client) -> None:
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    assert [client.get(address).status_code for address in (PAGE, EMAIL)] == [403, 403]


def test_the_command_shows_all_channels_in_the_recipients_language(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    RecipientFactory(user=User.objects.create(username="ann"), locale="de", time_zone="Europe/Berlin")
    call_command("preview_notification", "booking.confirmed", "--recipient", "ann", "--html", str(tmp_path / "it.html"))

    shown = capsys.readouterr().out
    assert all(word in shown for word in ("── sms", "── whatsapp", "── email", "18:00 MEZ", "GSM-7, ", "2 Plätze"))
    assert (tmp_path / "it.html").read_text().startswith("<!doctype html>")
    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nope"], "registered are"),
        (["booking.confirmed", "--locale", "klingon"], "language tag"),
        (["booking.confirmed", "--time-zone", "Mars"], "time zone"),
        (["booking.confirmed", "--channel", "pigeon"], "must be one of"),
        (["booking.confirmed", "--recipient", "nobody"], "Nobody called 'nobody'"),
        (["booking.confirmed", "--channel", "sms", "--html", "/tmp/x.html"], "None of these channels has HTML"),
        (["booking.confirmed", "--html", "/nowhere/x.html"], "Cannot write /nowhere/x.html: No such file"),
    ],
)
def test_the_command_refuses_what_makes_no_sense_in_one_line(arguments: list[str], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        call_command("preview_notification", *arguments)


def test_the_command_fails_where_words_are_missing(capsys: pytest.CaptureFixture[str]) -> None:
    with registered(Kind("test.unworded", channels=("sms",))), pytest.raises(CommandError, match="into words: sms"):
        call_command("preview_notification", "test.unworded")
    assert "TemplateDoesNotExist" in capsys.readouterr().out
