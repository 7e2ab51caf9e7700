"""drain() keeps the relay's rules on a test's own connection, in the transaction that takes everything back."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import override_settings
from django.utils import timezone, translation
from pytest_django import Settings

from notifications import kinds, outbox
from notifications.channels import build_channels, memory
from notifications.channels.console import ConsoleChannel
from notifications.kinds import Fallback, Kind
from notifications.lifecycle import Permanent, Throttled
from notifications.models import Relay
from notifications.testing import OutboxMixin, Sent, drain
from tests.factories.notifications import GREETING, RecipientFactory, publish, publish_one, registered

pytestmark = pytest.mark.django_db  # a transaction around each test, and no commit
BOTH = Kind("test.greeting", channels=("sms", "email"))
SECOND_WAY = Kind("test.greeting", channels=("whatsapp",), fallback={"whatsapp": Fallback("sms", timedelta(minutes=9))})


@pytest.fixture(autouse=True)
def _kinds() -> Iterator[None]:
    with registered():
        yield


def texts(sent: list[Sent]) -> list[str]:
    return [one.text for one in sent]


def test_each_lane_goes_in_order(outbox_tools: OutboxMixin) -> None:
    ann, bob = RecipientFactory.create(), RecipientFactory.create()
    for name in ("1", "2", "3"):
        publish(ann, name=f"Ann {name}")
        publish(bob, name=f"Bob {name}")

    sent = texts(outbox_tools.drain())

    assert [text for text in sent if "Ann" in text] == ["Hello Ann 1", "Hello Ann 2", "Hello Ann 3"]
    assert [text for text in sent if "Bob" in text] == ["Hello Bob 1", "Hello Bob 2", "Hello Bob 3"]
    assert not Relay.objects.exists()


def test_emails_are_where_django_keeps_them(outbox_tools: OutboxMixin) -> None:
    publish(RecipientFactory.create(), kind=BOTH)

    outbox_tools.drain()

    (letter,) = mail.outbox
    assert (letter.subject, letter.alternatives[0].content) == ("Hello Ann", "<p>Hello Ann</p>")


def test_a_drain_leaves_the_threads_language_alone(outbox_tools: OutboxMixin) -> None:
    publish(RecipientFactory.create(locale="de", time_zone="Asia/Tokyo"))

    (sent,) = outbox_tools.drain()

    assert sent.locale == "de"
    assert (translation.get_language(), timezone.get_current_timezone_name()) == ("en", "UTC")


def test_a_refused_message_falls_back_at_once(outbox_tools: OutboxMixin) -> None:
    publish(RecipientFactory.create(), kind=SECOND_WAY)

    (sent,) = outbox_tools.drain(answers={"whatsapp": Permanent("twilio_63024")})

    assert sent.channel == "sms"


def test_time_that_passes_brings_the_late_fallback(outbox_tools: OutboxMixin) -> None:
    publish(RecipientFactory.create(), kind=SECOND_WAY)

    assert [one.channel for one in outbox_tools.drain()] == ["whatsapp"]
    assert outbox_tools.drain(ahead=timedelta(minutes=8)) == []
    assert [one.channel for one in outbox_tools.drain(ahead=timedelta(minutes=2))] == ["sms"]


def test_a_held_message_comes_when_its_quiet_hours_are_over(outbox_tools: OutboxMixin, settings: Settings) -> None:
    now = timezone.now()
    settings.OUTBOX_QUIET_HOURS = "-".join(f"{now + timedelta(hours=change):%H:%M}" for change in (-1, 2))
    publish(RecipientFactory.create(), kind=Kind("test.greeting", channels=("sms",), may_wait=True))

    assert outbox_tools.drain() == []
    assert texts(outbox_tools.drain(ahead=timedelta(hours=3))) == ["Hello Ann"]


def test_a_message_that_expires_meanwhile_is_not_sent(outbox_tools: OutboxMixin) -> None:
    message = publish_one(RecipientFactory.create(), expires_at=timezone.now() + timedelta(hours=1))

    assert outbox_tools.drain(ahead=timedelta(hours=2)) == []

    message.refresh_from_db()
    assert message.status == "expired"


def test_a_message_that_is_tried_for_ever_ends_the_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifications.testing.in_process.MOST_ROUNDS", 3)
    publish(RecipientFactory.create())

    with pytest.raises(AssertionError, match="After 3 rounds a message is still due"):
        drain(answers={"sms": Throttled("http_429", 1e-6)})


def test_code_that_forgets_its_transaction_fails_in_a_test_too() -> None:
    recipient = RecipientFactory.create()
    kinds.register(GREETING)

    with pytest.raises(outbox.NotInTransaction):
        outbox.publish(GREETING.name, recipient=recipient, context={"name": "Ann"})
    with pytest.raises(outbox.NotInTransaction):
        outbox.publish_many(GREETING.name, [outbox.To(recipient)], context={"name": "Ann"})


@pytest.mark.parametrize(
    "changes",
    [
        {"EMAIL_URL": "smtp://localhost:1"},
        {"OUTBOX_CHANNELS": {"sms": "notifications.channels.twilio.SmsChannel"}, "TWILIO_ACCOUNT_SID": ""},
        {"OUTBOX_CHANNELS": {"sms": "a.library.that.is.not.Installed"}},
    ],
)
def test_a_test_run_sends_nothing_unless_it_asks_to(changes: dict[str, Any]) -> None:
    with override_settings(OUTBOX_SENDS_IN_TESTS=False, **changes):
        assert {type(channel) for channel in build_channels().values()} == {memory.MemoryChannel}
    with override_settings(OUTBOX_SENDS_IN_TESTS=True):
        assert isinstance(build_channels(["sms"])["sms"], ConsoleChannel)


def test_production_is_no_test_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that keeps its emails in memory, for whatever reason, still sends its SMS."""
    monkeypatch.delattr("django.test.utils._TestState.saved_data")

    assert hasattr(mail, "outbox")
    assert not memory.is_test_run()
    with pytest.raises(RuntimeError, match="for tests"):
        drain()
