"""Unsubscribing from reminders (RFC 8058): one click, no login, signed; and looking changes nothing."""

from email import message_from_bytes
from email.message import Message

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from bookings.announcements import A_BOOKING, BOOKING_CONFIRMED, BOOKING_REMINDER
from notifications import outbox
from notifications.channels.email import EmailChannel
from notifications.content.unsubscribe_links import Subscription, link_for
from notifications.kinds import Kind, Purpose
from notifications.models import ConsentRecord, Recipient
from tests.factories.notifications import RecipientFactory
from tests.stage.relay import drain

pytestmark = pytest.mark.django_db(transaction=True)
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def path_of(recipient: Recipient) -> str:
    url = link_for(Subscription(recipient.pk, "email", Purpose.REMINDER))
    assert url.startswith("https://bookings.example/")
    return url.removeprefix("https://bookings.example")


@pytest.fixture(autouse=True)
def _public(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://bookings.example/"
    settings.EMAIL_URL = "memorymail://"


def sent(recipient: Recipient, kind: Kind) -> Message:
    from django.db import transaction  # noqa: PLC0415

    with transaction.atomic():
        outbox.publish(kind.name, recipient=recipient, context=A_BOOKING)
    from django.conf import settings  # noqa: PLC0415

    email = EmailChannel.from_settings("email", settings)
    drain(email)
    return message_from_bytes(mail.outbox[-1].message().as_bytes())


def test_reminders_carry_the_headers_and_the_link_in_both_parts() -> None:
    recipient = RecipientFactory(opt_outs=["sms", "whatsapp"])
    message = sent(recipient, BOOKING_REMINDER)
    url = f"https://bookings.example{path_of(recipient)}"

    assert message["List-Unsubscribe"].replace("\n", "").replace(" ", "") == f"<{url}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    parts = {part.get_content_type(): part.get_payload(decode=True) for part in message.walk()}
    text, html = parts["text/plain"].decode(), parts["text/html"].decode()
    assert url in text
    assert f'href="{url}"' in html


def test_what_concerns_the_booking_itself_carries_neither() -> None:
    message = sent(RecipientFactory(opt_outs=["sms", "whatsapp"]), BOOKING_CONFIRMED)

    assert message["List-Unsubscribe"] is None
    assert b"unsubscribe" not in message.as_bytes().lower()


def test_one_click_ends_reminders_by_email_and_nothing_else(client: Client) -> None:
    recipient = RecipientFactory()
    answer = Client(enforce_csrf_checks=True).post(path_of(recipient), ONE_CLICK)

    assert answer.status_code == 200
    assert "You are unsubscribed" in answer.content.decode()
    recipient.refresh_from_db()
    assert recipient.opt_outs == ["email:reminder"]
    assert client.post(path_of(recipient), ONE_CLICK).status_code == 200, "twice does no harm"
    assert [(each.how, each.channel, each.purpose) for each in ConsentRecord.objects.all()] == [
        ("link", "email", "reminder")
    ]


def test_looking_changes_nothing(client: Client) -> None:
    recipient = RecipientFactory()
    page = client.get(path_of(recipient))

    assert '<form method="post">' in page.content.decode()
    assert (page["Referrer-Policy"], "no-store" in page["Cache-Control"]) == ("no-referrer", True)
    assert client.head(path_of(recipient)).status_code == 200
    recipient.refresh_from_db()
    assert recipient.opt_outs == []


@pytest.mark.parametrize("changed", ["another", "none", "two"])
def test_nobody_makes_a_link_for_somebody_else(client: Client, changed: str) -> None:
    path = path_of(RecipientFactory()).rstrip("/")
    one = path[-5]
    change = {"another": "A" if one != "A" else "B", "none": "", "two": 2 * one}[changed]
    forged = f"{path[:-5]}{change}{path[-4:]}/"

    assert client.post(forged, ONE_CLICK).status_code == 404
    assert client.post(path_of(Recipient(pk=0)), ONE_CLICK).status_code == 404
    assert Recipient.objects.get().opt_outs == []


def test_there_is_no_link_out_of_what_one_cannot_unsubscribe_from(settings: Settings) -> None:
    assert link_for(Subscription(1, "email", Purpose.TRANSACTIONAL)) == ""
    settings.PUBLIC_URL = ""
    assert link_for(Subscription(1, "email", Purpose.REMINDER)) == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"SECRET_KEY": "old"}, {"SECRET_KEY": "new", "SECRET_KEY_FALLBACKS": ["old"]}),
        (
            {"SECRET_KEY": "old"},
            {"SECRET_KEY": "new", "SECRET_KEY_FALLBACKS": ["old"], "OUTBOX_LINK_KEY": "links"},
        ),
        ({"OUTBOX_LINK_KEY": "links", "SECRET_KEY": "old"}, {"OUTBOX_LINK_KEY": "links", "SECRET_KEY": "new"}),
        ({"OUTBOX_LINK_KEY": "old"}, {"OUTBOX_LINK_KEY": "new", "OUTBOX_LINK_KEY_FALLBACKS": ["old"]}),
        ({"OUTBOX_LINK_KEY": "old"}, {"OUTBOX_LINK_KEY": "", "OUTBOX_LINK_KEY_FALLBACKS": ["old"]}),
    ],
    ids=["a new secret key", "a key of its own now", "a key of its own", "a new key of its own", "given up"],
)
def test_a_link_outlives_the_keys(
    client: Client, settings: Settings, before: dict[str, object], after: dict[str, object]
) -> None:
    for name, value in before.items():
        setattr(settings, name, value)
    path = path_of(recipient := RecipientFactory())
    for name, value in after.items():
        setattr(settings, name, value)

    assert client.post(path, ONE_CLICK).status_code == 200
    recipient.refresh_from_db()
    assert recipient.opt_outs == ["email:reminder"]


def test_a_key_that_was_given_up_signs_nothing(client: Client, settings: Settings) -> None:
    settings.SECRET_KEY = "leaked"
    path = path_of(RecipientFactory())
    settings.SECRET_KEY = "new"

    assert client.post(path, ONE_CLICK).status_code == 404
