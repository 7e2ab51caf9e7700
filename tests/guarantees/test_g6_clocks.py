"""G6 on a host whose clock is wrong: what the provider has is found and adopted, and the list gets its time to show it.

The durations in the question come from the database's clock alone, Twilio's times are compared with Twilio's clock.
"""

from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from notifications.channels.asking import VISIBLE_SECONDS
from notifications.channels.twilio import SmsChannel
from notifications.kinds import Kind
from notifications.models import DeliveryAttempt, OutboxMessage
from notifications.sandbox.client import SandboxClient
from tests.factories.notifications import RecipientFactory, publish_one, registered
from tests.stage.clocks import HostClock
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)

WRONG = [timedelta(hours=-1), timedelta(seconds=-2), timedelta(seconds=2), timedelta(hours=1)]
LOST = 5


@pytest.fixture
def pauses() -> list[float]:
    """How long the question waited for Twilio's list."""
    return []


@pytest.fixture
def sms(providers: SandboxClient, monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> Iterator[SmsChannel]:
    """The real client, towards the sandbox, which goes by its own clock."""
    monkeypatch.setenv("NO_PROXY", "*")
    channel = SmsChannel.from_settings(
        "sms",
        SimpleNamespace(
            TWILIO_ACCOUNT_SID=providers.account_sid,
            TWILIO_AUTH_TOKEN=providers.auth_token,
            TWILIO_API_URL=providers.http_url,
            TWILIO_SMS_FROM="+14155550000",
        ),
    )
    channel._message_log._pause = pauses.append
    yield channel
    channel.close()


@pytest.mark.parametrize("ahead", WRONG, ids=str)
def test_a_host_whose_clock_is_wrong_sends_nothing_twice(
    sms: SmsChannel, providers: SandboxClient, host_clock: HostClock, ahead: timedelta
) -> None:
    for recipient in RecipientFactory.create_batch(LOST):
        publish_one(recipient)
    providers.add_rule(accept=True, reset=True, times=LOST)
    host_clock(ahead)
    drain(sms)

    assert len(providers.messages()) == LOST
    assert set(OutboxMessage.objects.values_list("status", "provider_id")) == {
        ("sent", received.sid) for received in providers.messages()
    }
    assert DeliveryAttempt.objects.filter(code="adopted").count() == LOST


@pytest.mark.parametrize("ahead", WRONG, ids=str)
def test_a_host_whose_clock_is_wrong_waits_as_long_for_the_list(
    sms: SmsChannel, providers: SandboxClient, pauses: list[float], host_clock: HostClock, ahead: timedelta
) -> None:
    publish_one(RecipientFactory())
    providers.add_rule(accept=False, reset=True, times=1)
    host_clock(ahead)
    drain(sms)

    (waited,) = pauses
    assert 0 < waited <= VISIBLE_SECONDS
    assert [received.accepted for received in providers.messages()] == [False, True]


@pytest.mark.parametrize("ahead", [timedelta(hours=-1), timedelta(hours=1)], ids=str)
def test_a_message_is_held_in_quiet_hours_by_the_databases_clock(
    host_clock: HostClock, settings: Any, ahead: timedelta
) -> None:
    """It is quiet now, for some minutes: not by the host's clock, which is an hour off."""
    now = timezone.now()
    begin, end = now - timedelta(minutes=20), now + timedelta(minutes=20)
    kind = Kind("test.greeting", channels=("sms",), may_wait=True)
    with registered(kind):
        message = publish_one(RecipientFactory(), kind=kind)
        settings.OUTBOX_QUIET_HOURS = f"{begin:%H:%M}-{end:%H:%M}"
        host_clock(ahead)
        channel = RecordingChannel()
        drain(channel)

    message.refresh_from_db()
    assert (message.status, len(channel.sent)) == ("queued", 0)
    assert timedelta(minutes=18) < message.next_attempt_at - now < timedelta(minutes=21)
