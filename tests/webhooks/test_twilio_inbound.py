"""What people write to us: STOP and START at once, and a conversation in which WhatsApp allows free text."""

from datetime import UTC, datetime

import pytest

from notifications.models import Conversation, Recipient
from notifications.recipients import inbound
from tests.factories.notifications import RecipientFactory
from tests.webhooks.twilio import ACCOUNT_SID, INBOUND, inbound_fields, post

pytestmark = pytest.mark.django_db

PHONE = "+14155552671"


@pytest.fixture
def asha() -> Recipient:
    recipient: Recipient = RecipientFactory(phone=PHONE)
    return recipient


def test_nobody_gets_a_reply(asha: Recipient) -> None:
    answer = post(INBOUND, inbound_fields("Thank you"))
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/xml")
    assert answer.content.endswith(b"<Response/>")


@pytest.mark.parametrize("word", ["STOP", "stop", " Unsubscribe ", "Cancel"])
def test_stop_and_start(asha: Recipient, word: str) -> None:
    post(INBOUND, inbound_fields(word))
    asha.refresh_from_db()
    assert asha.opt_outs == ["sms"]
    post(INBOUND, inbound_fields("START"))
    asha.refresh_from_db()
    assert asha.opt_outs == []


def test_what_twilio_understood_counts_more_than_the_words(asha: Recipient) -> None:
    post(INBOUND, inbound_fields("ARRÊT", OptOutType="STOP"))
    asha.refresh_from_db()
    assert asha.opt_outs == ["sms"]


def test_a_sentence_is_no_wish(asha: Recipient) -> None:
    post(INBOUND, inbound_fields("Please do not stop"))
    asha.refresh_from_db()
    assert asha.opt_outs == []


def test_whatsapp_is_a_channel_of_its_own(asha: Recipient) -> None:
    post(INBOUND, inbound_fields("stop", sender=f"whatsapp:{PHONE}", ChannelPrefix="whatsapp", WaId=PHONE[1:]))
    asha.refresh_from_db()
    assert asha.opt_outs == ["whatsapp"]
    assert Conversation.objects.get().channel == "whatsapp"


def test_a_conversation_is_as_old_as_the_last_word(asha: Recipient) -> None:
    for hour in (3, 5):
        inbound.receive(phone=PHONE, channel="whatsapp", text="Hi", now=datetime(2026, 5, 1, hour, tzinfo=UTC))
    assert Conversation.objects.get().last_inbound_at.hour == 5


@pytest.mark.parametrize("sender", ["12345", "BANK", "messenger:123", "whatsapp:abc", "", "+0123"])
def test_who_is_no_phone_number_is_nobody_we_write_to(sender: str) -> None:
    assert post(INBOUND, inbound_fields("STOP", sender=sender)).status_code == 200
    assert not Conversation.objects.exists()


def test_forgeries_are_refused(asha: Recipient) -> None:
    assert post(INBOUND, inbound_fields("STOP"), signed="").status_code == 403
    assert post(INBOUND, inbound_fields("STOP", AccountSid=ACCOUNT_SID.replace("a", "b"))).status_code == 403
    fields = inbound_fields("STOP")
    del fields["From"]
    assert post(INBOUND, fields | {"Fro": f"m{PHONE}"}).status_code == 400
    asha.refresh_from_db()
    assert asha.opt_outs == []
