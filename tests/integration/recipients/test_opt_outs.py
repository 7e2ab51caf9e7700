"""Opt-outs: per channel and purpose, from every side, on record; kept by what is published and what waits."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from notifications import outbox
from notifications.errors import InvalidContact
from notifications.kinds import Kind, Purpose
from notifications.lifecycle import Status
from notifications.models import ConsentRecord, OutboxMessage, Recipient
from notifications.recipients import opt_outs
from notifications.recipients.opt_outs import How
from tests.factories.notifications import RecipientFactory, publish, publish_one
from tests.stage.admin_forms import form_at
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)
ALL = Kind("test.greeting", channels=("sms", "whatsapp", "email"))
REMINDER = Kind("test.greeting", channels=("sms", "email"), purpose=Purpose.REMINDER)


def opt_out(recipient: Recipient, channel: str = "sms", purpose: Purpose | None = None) -> bool:
    return opt_outs.opt_out(recipient, channel=channel, purpose=purpose, how=How.PROFILE, actor="ann")


def opt_in(recipient: Recipient, channel: str = "sms", purpose: Purpose | None = None) -> bool:
    return opt_outs.opt_in(recipient, channel=channel, purpose=purpose, how=How.PROFILE, actor="ann")


def test_an_address_that_only_looks_like_another_opts_nobody_else_out() -> None:
    """The upper case of a dotless i is that of an i."""
    lookalike, mike = RecipientFactory(email="mike@gma\u0131l.example"), RecipientFactory(email="Mike@gmail.example")

    opt_outs.opt_out(lookalike, channel="email", how=How.LINK)

    mike.refresh_from_db()
    assert mike.opt_outs == []


def outcome(message: OutboxMessage) -> tuple[str, str]:
    return OutboxMessage.objects.values_list("status", "error_code").get(pk=message.pk)


def test_what_is_not_wanted_is_on_record_and_not_in_the_lane() -> None:
    messages = publish(RecipientFactory(opt_outs=["sms"]), kind=ALL, reference="booking:7")

    assert [(each.channel, each.status) for each in messages] == [("whatsapp", "pending"), ("email", "queued")]
    skipped, *_ = outbox.messages_about(["booking:7"])["booking:7"]
    assert (skipped.channel, skipped.status, skipped.error_code) == ("sms", Status.CANCELLED, "opted_out")
    assert skipped.finished_at is not None


def test_who_wants_nothing_has_an_empty_lane() -> None:
    recipient = RecipientFactory(opt_outs=["email", "sms", "whatsapp"])

    assert publish(recipient, kind=ALL, dedupe_key="once") == []
    assert publish(recipient, kind=ALL, dedupe_key="once") == []
    assert OutboxMessage.objects.filter(status="cancelled").count() == 3


def test_a_purpose_can_be_refused_by_itself() -> None:
    recipient = RecipientFactory()
    assert opt_out(recipient, purpose=Purpose.REMINDER)

    assert [each.channel for each in publish(recipient, kind=REMINDER)] == ["email"]
    assert [each.channel for each in publish(recipient, kind=ALL)] == ["sms", "whatsapp", "email"]


def test_opting_in_to_a_channel_leaves_what_was_refused_besides() -> None:
    recipient = RecipientFactory()
    opt_out(recipient, purpose=Purpose.REMINDER)
    opt_out(recipient)
    opt_in(recipient)

    recipient.refresh_from_db()
    assert recipient.opt_outs == ["sms:reminder"]


def test_every_change_is_on_record_and_no_change_is_not() -> None:
    recipient = RecipientFactory()
    assert [opt_out(recipient), opt_out(recipient), opt_in(recipient), opt_in(recipient)] == [True, False, True, False]

    records = ConsentRecord.objects.order_by("id")
    assert [(each.channel, each.purpose, each.is_opt_in, each.how, each.actor) for each in records] == [
        ("sms", "", False, "profile", "ann"),
        ("sms", "", True, "profile", "ann"),
    ]


def test_publishing_takes_two_statements_whatever_the_opt_outs() -> None:
    recipient = RecipientFactory(opt_outs=["sms:reminder", "whatsapp"])
    publish(recipient, kind=ALL)
    with CaptureQueriesContext(connection) as queries:
        publish(recipient, kind=ALL)

    assert [query["sql"].split()[0] for query in queries] == ["BEGIN", "SELECT", "WITH", "COMMIT", "SELECT"]


def test_an_opt_out_stops_what_waits_and_costs_no_attempt() -> None:
    recipient = RecipientFactory()
    sms, email = publish(recipient, kind=Kind("test.greeting", channels=("sms", "email")))
    opt_out(recipient)
    channels = RecordingChannel("sms"), RecordingChannel("email")
    drain(*channels)

    assert [len(channel.sent) for channel in channels] == [0, 1]
    assert outcome(sms) == ("cancelled", "opted_out")
    assert outcome(email) == ("sent", "")
    assert OutboxMessage.objects.get(pk=sms.pk).attempts == 0


@pytest.mark.parametrize(("text", "wanted"), [("STOP", False), (" stop.\n", False), ("Unsubscribe", False)])
def test_stop_by_sms_ends_the_channel_for_everybody_with_that_number(text: str, *, wanted: bool) -> None:
    first, second = RecipientFactory(phone="+14155550001"), RecipientFactory(phone="+14155550001")
    other = RecipientFactory(phone="+14155550002")

    assert opt_outs.apply_keyword(channel="sms", phone="+14155550001", text=text)
    assert [publish(each) == [] for each in (first, second, other)] == [True, True, False]
    assert ConsentRecord.objects.filter(how="reply").count() == 2


def test_start_takes_stop_back() -> None:
    recipient = RecipientFactory(phone="+14155550001")
    opt_outs.apply_keyword(channel="sms", phone="+14155550001", text="STOP")
    opt_outs.apply_keyword(channel="sms", phone="+14155550001", text="start")

    assert len(publish(recipient)) == 1


@pytest.mark.parametrize("text", ["", "Please stop by tomorrow", "HELP", "stopping", "🛑"])
def test_other_texts_change_nothing(text: str) -> None:
    recipient = RecipientFactory(phone="+14155550001")

    assert not opt_outs.apply_keyword(channel="sms", phone="+14155550001", text=text)
    assert len(publish(recipient)) == 1


def test_the_profile_switches_channels_and_purposes() -> None:
    user = User.objects.create(username="ann")
    contact = outbox.change_contact(user, sms_enabled=False, opt_ins={"email": {"reminder": False}})

    assert (contact.sms_enabled, contact.email_enabled) == (False, True)
    assert contact.opt_ins["email"] == {"transactional": True, "reminder": False}
    assert Recipient.objects.get().opt_outs == ["email:reminder", "sms"]
    contact = outbox.change_contact(user, sms_enabled=True, opt_ins={"email": {"reminder": True}})
    assert contact == outbox.contact_of(user)
    assert Recipient.objects.get().opt_outs == []
    assert {(each.how, each.actor) for each in ConsentRecord.objects.all()} == {("profile", "ann")}


@pytest.mark.parametrize(
    "nonsense",
    [[], "sms", {"sms": True}, {"pigeon": {"reminder": True}}, {"sms": {"spam": True}}, {"sms": {"reminder": "no"}}],
)
def test_opt_ins_that_make_no_sense_are_refused_as_a_whole(nonsense: Any) -> None:
    user = User.objects.create(username="ann")
    with pytest.raises(InvalidContact, match="opt_ins"):
        outbox.change_contact(user, sms_enabled=False, opt_ins=nonsense)

    assert outbox.contact_of(user).sms_enabled


def test_staff_change_opt_outs_for_somebody_and_it_is_on_record(admin_client: Client) -> None:
    recipient = RecipientFactory(opt_outs=["whatsapp"])
    page = reverse("admin:notifications_recipient_change", args=[recipient.pk])

    answer = admin_client.post(page, form_at(admin_client, page) | {"opt_outs": ["sms", "email:reminder"]})

    assert answer.status_code == 302, answer.content.decode()
    recipient.refresh_from_db()
    assert recipient.opt_outs == ["email:reminder", "sms"]
    assert ConsentRecord.objects.filter(how="staff", actor="admin").count() == 3
    assert "consent records" in admin_client.get(page).content.decode().lower()


def test_a_number_of_a_country_that_is_not_served_is_refused(settings: Settings) -> None:
    settings.OUTBOX_ALLOWED_COUNTRIES = ["US", "DE"]
    user = User.objects.create(username="ann")
    assert outbox.change_contact(user, phone="+49 30 901820").phone == "+4930901820"

    for elsewhere in ("+18764841234", "+14165550123", "+33142685300"):  # Jamaica and Canada share the country code 1
        with pytest.raises(InvalidContact, match="country"):
            outbox.change_contact(user, phone=elsewhere)


def test_what_waits_for_a_number_that_is_not_served_any_more_is_not_sent(settings: Settings) -> None:
    kind = Kind("test.greeting", channels=("sms", "email"))
    sms, email = publish(RecipientFactory(phone="+18764841234"), kind=kind)
    settings.OUTBOX_ALLOWED_COUNTRIES = ["US"]
    by_email = RecordingChannel("email")
    by_email.address_field = "email"
    drain(RecordingChannel("sms"), by_email)

    assert (outcome(sms), outcome(email)) == (("cancelled", "country_not_allowed"), ("sent", ""))


def test_served_numbers_are_sent_to(settings: Settings) -> None:
    settings.OUTBOX_ALLOWED_COUNTRIES = ["US"]
    message = publish_one(RecipientFactory(phone="+12125550123"))
    drain(RecordingChannel("sms"))

    assert outcome(message) == ("sent", "")
