"""The customer's page of all messages that we sent: their own, in words, searched, without what is ours to know."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from bookings import announcements
from bookings.pages.received import as_read
from notifications import outbox
from notifications.kinds import Kind
from notifications.lifecycle import Permanent
from notifications.models import OutboxMessage
from notifications.recipients.contact import recipient_of
from tests.factories.bookings import CustomerFactory
from tests.factories.notifications import publish
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/accounts/messages/"


@pytest.fixture
def customer() -> User:
    user: User = CustomerFactory(phone="+14155550171")
    return user


def opened(user: User, **query: str) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(PAGE, query)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    return answer.content.decode()


def test_a_customer_finds_what_we_sent_and_nothing_of_others(customer: User) -> None:
    other: User = CustomerFactory(phone="+14155550172")
    for user, name in ((customer, "Ann"), (customer, "Bea"), (other, "Cleo")):
        publish(recipient_of(user), name=name, reference=f"booking:{name}")
    drain(RecordingChannel())
    page = opened(customer)

    assert page.index("Hello Bea") < page.index("Hello Ann")
    assert "Cleo" not in page
    assert "+1415…71" in page
    assert "+14155550171" not in page
    assert "provider-" not in page
    found = opened(customer, q="bEA")
    assert ("Hello Bea" in found, "Hello Ann" in found) == (True, False)
    assert "Nothing holds" in opened(customer, q="nobody")
    assert "Hello" in opened(customer, before="99999999999999999999999")
    assert Client().get(PAGE).status_code == 302


def test_codes_errors_and_what_was_not_wanted_are_not_shown(customer: User) -> None:
    recipient = recipient_of(customer)
    publish(recipient, name="Ann")
    drain(RecordingChannel(answer=lambda _: Permanent("twilio_21211", "secret of the provider")))
    OutboxMessage.objects.update(kind=announcements.ACCESS_CODE["phone"].name, context={"verification": 1})
    outbox.change_contact(customer, sms_enabled=False)
    assert publish(recipient, name="Bea") == []
    page = opened(customer)

    assert "It held a code" in page
    assert "could not be sent" in page
    for hidden in ("twilio", "secret", "Bea", "opted_out"):
        assert hidden not in page
    OutboxMessage.objects.update(kind="gone.kind")
    assert "We cannot show its words any more." in opened(customer)


def test_a_held_message_is_said_to_be_delayed_and_why_is_ours_to_know(customer: User) -> None:
    (message,) = publish(recipient_of(customer), kind=Kind("test.broken", channels=("sms",)))
    OutboxMessage.objects.filter(pk=message.pk).update(error_code="words_held", error_detail="no nmae")
    page = opened(customer)
    assert "delayed: we are mending it, and send it then" in page
    assert "Its words are not ready yet." in page
    assert "nmae" not in page


def test_a_text_is_shown_as_its_channel_shows_it() -> None:
    """Without WhatsApp's marks, and without the columns of an email's letters of one width."""
    assert as_read("whatsapp", "*Lakeside*\n2 * 3 *is* six") == "Lakeside\n2 * 3 is six"
    assert as_read("sms", "*Lakeside*") == "*Lakeside*"
    assert as_read("email", "What:     Yoga\n  indented") == "What: Yoga\n  indented"
