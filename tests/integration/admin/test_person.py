"""What support sees and does about one person: what they got, notes, and an address corrected without a failure."""

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.urls import reverse
from pytest_django import Settings

from bookings import booking_links
from notifications import outbox
from notifications.kinds import Kind, get
from notifications.models import Note, OperatorAction, OutboxMessage, Recipient
from notifications.operations.erase import erase
from notifications.operations.write_note import write_note
from notifications.selectors import history
from tests.factories.bookings import client_of
from tests.factories.notifications import RecipientFactory, publish, publish_one
from tests.factories.staff import staff
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)
LOOK = ("view_outboxmessage", "view_recipient")
BOTH = Kind("test.greeting", channels=("sms", "email"))


def got(recipient: Recipient) -> str:
    return reverse("admin:notifications_recipient_got", args=[recipient.pk])


def test_all_that_a_person_got_is_on_one_page_and_can_be_searched() -> None:
    recipient, other = RecipientFactory(phone="+14155550161"), RecipientFactory()
    for name in ("Ann", "Bea"):
        publish(recipient, kind=BOTH, name=name, reference=f"booking:{name}")
    publish_one(other, name="Cleo")
    email = RecordingChannel("email")
    email.address_field = "email"
    drain(RecordingChannel(), email)
    publish_one(recipient, name="Dora")
    Recipient.objects.filter(pk=recipient.pk).update(phone="+14155550162")
    client = staff(*LOOK)
    page = client.get(got(recipient)).content.decode()

    assert page.count('<article class="outbox-entry">') == 5
    assert page.index("Still to come") < page.index("Dora") < page.index("Bea") < page.index("Ann")
    assert "Cleo" not in page
    assert "+14155550161" in page  # where it went then, beside where it would go now
    assert recipient.email in page
    for term in ("bea", "booking:Bea"):
        found = client.get(got(recipient), {"q": term}).content.decode()
        assert found.count("<article") == 2
    assert "Nothing." in client.get(got(recipient), {"q": "\x00nobody<script>"}).content.decode()


@pytest.mark.parametrize("sees", [False, True])
def test_a_link_that_opens_a_booking_is_shown_to_nobody_who_may_not_see_it(sees: bool, settings: Settings) -> None:
    """On the message's page, before it is sent again, in a history and its search, in the API and the preview."""
    settings.PUBLIC_URL = "https://book.example.com"
    recipient = RecipientFactory(phone="+14155550161")
    kind = get("booking.confirmed")
    with transaction.atomic():
        ticket = {"check_in": "https://book.example.com/admin/check-in/1234:sample/"}
        (sms, _, email) = outbox.publish(kind.name, recipient=recipient, context={**kind.sample, **ticket})
    by_email = RecordingChannel("email")
    by_email.address_field = "email"
    drain(RecordingChannel(), RecordingChannel("whatsapp"), by_email)
    key = booking_links.token_of(kind.sample["booking"])
    client = staff(*LOOK, "repeat_outboxmessage", *(["see_links_outboxmessage"] if sees else []))
    message = "/admin/notifications/outboxmessage"
    shown = [
        client.get(f"{message}/{sms.pk}/change/"),
        client.get(f"{message}/{email.pk}/change/"),
        client.get(reverse("admin:notifications_message_email", args=[email.pk])),
        client.get(reverse("admin:notifications_outboxmessage_again", args=[sms.pk])),
        client.get(got(recipient)),
        client_of(User.objects.get(username="support")).get(f"/api/staff/outbox/messages/{sms.pk}/"),
    ]
    for answer in shown:
        text = answer.content.decode()
        assert answer.status_code == 200
        assert (key in text) == sees, answer.request["PATH_INFO"]
        assert "https://book.example.com/b/" in text, "where it leads is told"
        assert ("check-in/1234" in text) == (sees and "change" in answer.request["PATH_INFO"]), "in the context"
    assert (b"Nothing." in client.get(got(recipient), {"q": key[:8]}).content) != sees, "no search finds it out"
    preview = client.get(
        reverse("admin:notifications_preview"), {"kind": kind.name, "locale": "en", "time_zone": "UTC"}
    )
    assert key not in preview.content.decode(), "the sample's number may be somebody's"


def test_a_long_history_is_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "PAGE", 2)
    monkeypatch.setattr(history, "SEARCHED", 2)
    recipient = RecipientFactory()
    messages = [publish_one(recipient, name=name) for name in ("Ann", "Bea", "Cleo")]
    drain(RecordingChannel())
    first = history.history_of(recipient)
    assert [entry.message.pk for entry in first.entries] == [messages[2].pk, messages[1].pk]
    assert first.before == messages[1].pk
    rest = history.history_of(recipient, before=first.before)
    assert ([entry.text for entry in rest.entries], rest.before) == (["Hello Ann"], None)
    nothing = history.history_of(recipient, search="ann")
    assert (nothing.entries, nothing.before) == ([], messages[1].pk)  # and says where to go on


def test_without_the_right_to_see_addresses_they_are_masked() -> None:
    recipient = RecipientFactory(phone="+14155550163", email="ann.long@example.com")
    publish_one(recipient)
    drain(RecordingChannel())
    page = staff("view_outboxmessage").get(got(recipient)).content.decode()
    assert "+1415…63" in page
    assert "+14155550163" not in page
    assert "ann.long" not in page
    assert "Correct phone" not in page
    assert staff("view_recipient", name="other").get(got(recipient)).status_code == 403


def test_a_note_says_who_and_when_and_stays_until_the_person_is_forgotten() -> None:
    recipient = RecipientFactory()
    client = staff(*LOOK, "view_note", "add_note")
    write = reverse("admin:notifications_recipient_note", args=[recipient.pk])
    page = client.post(write, {"text": "is deaf:\nwrite, <b>do not call</b>"}, follow=True).content.decode()
    assert "write, &lt;b&gt;do not call" in page
    assert "support, 20" in page
    assert "The note was not kept." in client.post(write, {"text": " "}, follow=True).content.decode()
    assert client.get(write).status_code == 405
    note = Note.objects.get()
    for change in (Note.objects.update, note.delete):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change(**({"text": "x"} if change == Note.objects.update else {}))
    assert "is deaf" in client.get(reverse("admin:notifications_recipient_lane", args=[recipient.pk])).content.decode()
    assert erase(recipient, actor="ann").rows["notes"] == 1
    assert write_note(recipient.pk, "again", actor="ann") is None
    assert not Note.objects.exists()


def test_notes_have_permissions_of_their_own() -> None:
    recipient = RecipientFactory()
    write_note(recipient.pk, "a secret of hers", actor="ann")
    client = staff(*LOOK)
    assert "a secret of hers" not in client.get(got(recipient)).content.decode()
    write = reverse("admin:notifications_recipient_note", args=[recipient.pk])
    assert client.post(write, {"text": "x"}).status_code == 403


def test_an_address_is_corrected_without_a_failed_message() -> None:
    recipient = RecipientFactory(phone="+14155550164")
    client = staff(*LOOK, "change_recipient_address")
    correct = reverse("admin:notifications_recipient_address", args=[recipient.pk, "phone"])
    assert correct in client.get(got(recipient)).content.decode()
    assert "country code" in client.post(correct, {"address": "12", "reason": "typo"}).content.decode()
    page = client.post(correct, {"address": "+1 415 555 0165", "reason": "typo"}, follow=True).content.decode()
    assert "The phone number is changed." in page
    recipient.refresh_from_db()
    assert recipient.phone == "+14155550165"
    assert OperatorAction.objects.get().reason == "typo"
    assert client.get(correct.replace("/phone/", "/opt_outs/")).status_code == 404
    assert staff(*LOOK, name="other").get(correct).status_code == 403


def test_a_users_page_leads_to_what_they_got() -> None:
    user = User.objects.create_user("ann")
    recipient = RecipientFactory(user=user)
    client = staff(*LOOK)
    here = reverse("admin:notifications_recipient_of_user", args=[user.pk])
    assert client.get(here)["Location"] == got(recipient)
    assert client.get(here.replace(str(user.pk), "999999")).status_code == 404
    assert OutboxMessage.objects.count() == 0
