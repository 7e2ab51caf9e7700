"""What people write to us: STOP and START at once, and a conversation in which WhatsApp allows free text."""

from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from notifications.kinds import Kind
from notifications.models import Conversation, Recipient
from notifications.recipients import inbound
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RecordingChannel, drain
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


def test_a_sentence_is_no_keyword(asha: Recipient) -> None:
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


@pytest.mark.parametrize(
    "text", ["Opt-out", "STOP\u00a0", "\u201cStop\u201d", "STOP 🛑", "please stop", "Bitte abmelden!"]
)
def test_stop_as_people_write_it_needs_no_help_of_twilios(asha: Recipient, text: str) -> None:
    post(INBOUND, inbound_fields(text))
    asha.refresh_from_db()
    assert asha.opt_outs == ["sms"]


@pytest.mark.parametrize("text", ["stop by at 5?", "don\u2019t stop", "please cancel my booking"])
def test_a_message_that_is_no_opt_out_is_never_taken_for_one(asha: Recipient, text: str) -> None:
    post(INBOUND, inbound_fields(text))
    asha.refresh_from_db()
    assert asha.opt_outs == []


def test_words_of_other_languages_are_a_setting(asha: Recipient, settings: Settings) -> None:
    settings.OUTBOX_STOP_WORDS, settings.OUTBOX_START_WORDS = ["arrêt"], ["reprendre"]
    post(INBOUND, inbound_fields("ARRET !"))
    asha.refresh_from_db()
    assert asha.opt_outs == ["sms"]
    post(INBOUND, inbound_fields("Reprendre"))
    asha.refresh_from_db()
    assert asha.opt_outs == []


def test_what_twilio_took_for_a_question_may_be_stop_in_another_language(asha: Recipient) -> None:
    post(INBOUND, inbound_fields("Abmelden", OptOutType="HELP"))
    asha.refresh_from_db()
    assert asha.opt_outs == ["sms"]


@pytest.mark.parametrize(
    ("prefix", "channels", "opt_outs"),
    [
        ("rcs:", [], ["sms"]),
        ("rcs:", ["rcs"], ["rcs"]),
        ("messenger:", [], []),
        ("messenger:", ["messenger"], ["messenger"]),
        ("viber:", [], []),
    ],
)
def test_a_prefix_means_the_channel_that_it_belongs_to(
    asha: Recipient, settings: Settings, prefix: str, channels: list[str], opt_outs: list[str]
) -> None:
    console = "notifications.channels.console.ConsoleChannel"
    settings.OUTBOX_CHANNELS = settings.OUTBOX_CHANNELS | dict.fromkeys(channels, console)
    assert post(INBOUND, inbound_fields("STOP", sender=f"{prefix}{PHONE}")).status_code == 200
    asha.refresh_from_db()
    assert asha.opt_outs == opt_outs
    assert Conversation.objects.count() == len(opt_outs)


NETWORKS = {
    "Mexico": ("+525512345678", "+5215512345678"),
    "Mexico, stored long ago": ("+5215512345678", "+525512345678"),
    "Brazil": ("+5531988887777", "+553188887777"),
    "Brazil, stored long ago": ("+553188887777", "+5531988887777"),
    "Argentina": ("+5491123456789", "+541123456789"),
    "Argentina, without the 9": ("+541123456789", "+5491123456789"),
    "Benin": ("+2290197123456", "+22997123456"),
    "as ever": (PHONE, PHONE),
}


@pytest.mark.parametrize(("stored", "sender"), NETWORKS.values(), ids=NETWORKS)
def test_stop_counts_however_a_network_writes_the_number(stored: str, sender: str) -> None:
    recipient = RecipientFactory(phone=stored)
    post(INBOUND, inbound_fields("STOP", sender=f"whatsapp:{sender}"))
    recipient.refresh_from_db()
    assert (recipient.opt_outs, recipient.phone) == (["whatsapp"], stored)


class Answering(RecordingChannel):
    def needs_inbound_age(self, kind: str) -> bool:
        return True


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("stored", "sender"), NETWORKS.values(), ids=NETWORKS)
def test_a_conversation_is_open_however_a_network_writes_the_number(stored: str, sender: str) -> None:
    post(INBOUND, inbound_fields("Hi", sender=f"whatsapp:{sender}"))
    publish_one(RecipientFactory(phone=stored), kind=Kind("test.greeting", channels=("whatsapp",)))
    channel = Answering("whatsapp")
    drain(channel)

    (sent,) = channel.sent
    assert sent.address == stored, "what is sent to stays as stored"
    assert sent.inbound_age is not None
    assert 0 <= sent.inbound_age < 60


def test_landlines_of_the_same_countries_stay_themselves() -> None:
    recipients = [RecipientFactory(phone=phone) for phone in ("+551122223333", "+5511922223333")]
    post(INBOUND, inbound_fields("STOP", sender="+551122223333"))
    assert [each.opt_outs for each in map(refreshed, recipients)] == [["sms"], []]


def refreshed(recipient: Recipient) -> Recipient:
    recipient.refresh_from_db()
    return recipient


def test_an_old_start_told_again_undoes_no_later_stop(asha: Recipient) -> None:
    """Twilio's signature never expires: whoever has seen a request can send it again."""
    start = inbound_fields("START")
    post(INBOUND, inbound_fields("STOP"))
    assert post(INBOUND, start).status_code == 200
    post(INBOUND, inbound_fields("STOP"))
    assert post(INBOUND, start).status_code == 200, "a replay is answered as the first time"
    assert refreshed(asha).opt_outs == ["sms"]
