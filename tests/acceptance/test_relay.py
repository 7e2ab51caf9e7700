"""The relay as operators run it: a real process, real providers' stand-ins, real signals."""

import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command, execute_from_command_line
from django.db.models import Count, QuerySet
from pytest_django import Settings

from notifications.channels import build_channels
from notifications.content import rendering
from notifications.kinds import Kind
from notifications.lifecycle import Status
from notifications.models import DeliveryAttempt, OutboxMessage, Recipient, Relay
from notifications.sandbox.client import Received, SandboxClient
from tests.factories.notifications import RecipientFactory, publish, publish_one, registered
from tests.stage.relay import RelayProcess, drain
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

EVERYWHERE = Kind("test.greeting", channels=("sms", "whatsapp", "email"))
Start = Callable[..., RelayProcess]


def statuses() -> dict[str, int]:
    return dict(OutboxMessage.objects.values_list("status").annotate(Count("id")).order_by())


def words_by_recipient(received: Iterable[Received]) -> dict[str, list[str]]:
    """What each address of each channel accepted, in order."""
    words: dict[str, list[str]] = defaultdict(list)
    for message in received:
        if message.accepted:
            words[f"{message.channel}:{message.to}"].append(message.body.strip())
    return words


def all_of(message: OutboxMessage) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]]:
    """Everything about a message that a settle could change."""
    message.refresh_from_db()
    attempts = message.deliveries.order_by("claim_number").values_list("claim_number", "answer", "provider_id")
    return (message.status, message.claim_number, message.attempts, message.rescues), list(attempts)


def sent_by(relay: RelayProcess) -> QuerySet[Relay]:
    return Relay.objects.filter(pid=relay.process.pid)


def test_drain_sends_everything_in_order_over_every_channel(relay_process: Start, providers: SandboxClient) -> None:
    recipients = RecipientFactory.create_batch(5)
    for number in range(4):
        for recipient in recipients:
            publish(recipient, kind=EVERYWHERE, name=f"number {number}")
    code, output = relay_process("--drain").wait()
    assert code == 0, output
    assert statuses() == {"sent": 60}
    received = providers.messages()
    assert len(received) == 60
    expected = [f"Hello number {number}" for number in range(4)]
    words = words_by_recipient(received)
    assert len(words) == 15
    assert all(each == expected for each in words.values())
    for recipient in recipients:  # a lane spans the channels: sms, whatsapp, email of one message, then of the next
        own = [each for each in received if each.to.removeprefix("whatsapp:") in (recipient.phone, recipient.email)]
        assert [each.channel for each in own] == ["sms", "whatsapp", "email"] * 4
    sids = {each.sid for each in received if each.sid}
    assert sids <= set(OutboxMessage.objects.values_list("provider_id", flat=True))
    assert not Relay.objects.exists()


def test_failures_are_retried_within_the_attempts_and_then_given_up(
    relay_process: Start, providers: SandboxClient
) -> None:
    once, always = RecipientFactory.create_batch(2)
    providers.add_rule(channel="sms", to=once.phone, times=1, status=503)
    providers.add_rule(channel="sms", to=always.phone, status=503)
    mended, given_up = publish_one(once), publish_one(always)
    assert relay_process("--drain").wait()[0] == 0
    mended.refresh_from_db()
    given_up.refresh_from_db()
    assert (mended.status, mended.attempts) == ("sent", 2)
    assert (given_up.status, given_up.attempts, given_up.error_code) == ("failed", 3, "http_503")
    assert list(given_up.deliveries.values_list("answer", flat=True)) == ["unknown"] * 3


def test_a_recipient_without_a_phone_gets_the_email_and_the_reason_is_on_record(
    relay_process: Start, providers: SandboxClient
) -> None:
    publish(RecipientFactory(phone=""), kind=EVERYWHERE)
    assert relay_process("--drain").wait()[0] == 0
    outcome = list(OutboxMessage.objects.order_by("id").values_list("channel", "status", "error_code", "error_detail"))
    reason = ("cancelled", "no_address", "")
    assert outcome == [("sms", *reason), ("whatsapp", *reason), ("email", "sent", "", "")]
    assert [message.channel for message in providers.messages()] == ["email"]


def test_a_template_that_does_not_render_fails_with_the_reason_and_goes_out_after_the_fix(
    providers: SandboxClient, settings: Settings, tmp_path: Path
) -> None:
    template = tmp_path / "notifications" / "a.broken.kind" / "sms.txt"
    template.parent.mkdir(parents=True)
    template.write_text("Hello {{ nobody }}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    settings.OUTBOX_CHANNELS = {"sms": "notifications.channels.twilio.SmsChannel"}
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = providers.account_sid, providers.auth_token
    settings.TWILIO_API_URL, settings.TWILIO_SMS_FROM = providers.http_url, "+14155550000"
    rendering.forget_templates()
    kind = Kind("a.broken.kind", channels=("sms",))
    with registered(kind):
        message = publish_one(RecipientFactory(), kind=kind)
    (sms,) = build_channels().values()
    drain(sms)
    message.refresh_from_db()
    assert (message.status, message.attempts, message.error_code) == ("failed", 1, "rendering_failed")
    assert "the context has no nobody" in message.error_detail
    assert providers.messages() == []

    template.write_text("Hello {{ name }}")
    rendering.forget_templates()
    call_command("requeue_outbox", message.pk, verbosity=0)
    drain(sms)
    sms.close()
    assert [each.body for each in providers.messages()] == ["Hello Ann"]
    assert list(message.deliveries.order_by("id").values_list("answer", flat=True)) == ["permanent", "accepted"]
    rendering.forget_templates()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_it_finish_what_is_in_flight_and_hand_back_the_rest(
    relay_process: Start, providers: SandboxClient, number: signal.Signals
) -> None:
    providers.add_rule(delay=0.3)
    for recipient in RecipientFactory.create_batch(40):
        publish(recipient)
    relay = relay_process("--concurrency", "4")
    wait_until(providers.messages)
    relay.signal(number)
    code, output = relay.wait()
    assert code == 0, output
    after = statuses()
    assert after.keys() == {"sent", "pending"}, "nothing is left in flight"
    assert not OutboxMessage.objects.filter(status="pending").exclude(attempts=0, rescues=0).exists()
    assert not Relay.objects.exists()
    assert len(providers.messages()) == after["sent"] == DeliveryAttempt.objects.count()

    providers.clear_rules()
    assert relay_process("--drain").wait()[0] == 0
    assert len(providers.messages()) == 40
    assert {len(words) for words in words_by_recipient(providers.messages()).values()} == {1}


def test_messages_of_a_killed_process_move_again_within_two_seconds(
    relay_process: Start, providers: SandboxClient
) -> None:
    """G9. What was on the wire when it was killed is unknown, and marked so; nothing else is sent twice."""
    patient = {"OUTBOX_SEND_TIMEOUT_SECONDS": "90", "OUTBOX_LEASE_SECONDS": "120"}  # no send ends before the kill
    providers.add_rule(delay=80.0)
    for recipient in RecipientFactory.create_batch(10):
        publish(recipient)
    doomed = relay_process("--concurrency", "10", **patient)
    wait_until(lambda: len(providers.messages()) == 10)
    providers.clear_rules()
    (dead,) = sent_by(doomed)
    heir = relay_process(**patient)
    wait_until(lambda: sent_by(heir), seconds=60)
    beats = sent_by(heir).get().heartbeat_at
    wait_until(lambda: (sent_by(heir).get().heartbeat_at - beats).total_seconds() > 1.5)  # an heir settles in first
    held = OutboxMessage.objects.filter(relay_id=dead.pk)
    assert held.count() == 10
    doomed.signal(signal.SIGKILL)
    killed_at = time.monotonic()
    wait_until(lambda: not held.exists())
    took = time.monotonic() - killed_at
    assert took < 2.0
    wait_until(lambda: statuses() == {"sent": 10})
    heir.signal(signal.SIGTERM)
    assert heir.wait()[0] == 0
    rescued = OutboxMessage.objects.filter(rescues=1)
    twice = {to for to, words in words_by_recipient(providers.messages()).items() if len(words) > 1}
    assert twice <= set(rescued.values_list("recipient__phone", flat=True)), "a duplicate only where nobody knew (G6)"
    assert OutboxMessage.objects.filter(attempts__gt=1).count() == 0, "the kill cost no message an attempt"


def test_a_relay_stopped_beyond_its_lease_changes_nothing_when_it_wakes_up(
    relay_process: Start, providers: SandboxClient
) -> None:
    """G5, with a real process: its messages are taken over, and what it says about them later is refused."""
    short = {"OUTBOX_SEND_TIMEOUT_SECONDS": "1", "OUTBOX_LEASE_SECONDS": "2"}
    providers.add_rule(delay=0.7, times=1)
    message = publish_one(RecipientFactory())
    sleeper = relay_process(**short)
    wait_until(lambda: OutboxMessage.objects.filter(status="sending"))
    (asleep,) = sent_by(sleeper)
    sleeper.signal(signal.SIGSTOP)
    heir = relay_process(**short)
    wait_until(lambda: OutboxMessage.objects.filter(status="sent"))
    settled = all_of(message)
    assert settled[0] == ("sent", 2, 1, 1)
    assert settled[1] == [(1, "unknown", ""), (2, "accepted", providers.messages()[-1].sid)]

    sleeper.signal(signal.SIGCONT)
    wait_until(lambda: [relay for relay in sent_by(sleeper) if relay.pk != asleep.pk])
    later = publish_one(RecipientFactory())
    wait_until(lambda: OutboxMessage.objects.get(pk=later.pk).status == Status.SENT)
    assert all_of(message) == settled
    for relay in (sleeper, heir):
        relay.signal(signal.SIGTERM)
    code, output = sleeper.wait()
    assert code == 0, output
    assert "relay.outlived" in output
    assert heir.wait()[0] == 0


def test_two_relays_and_a_kill_lose_nothing_and_keep_every_lane_in_order(
    relay_process: Start, providers: SandboxClient
) -> None:
    recipients: list[Recipient] = RecipientFactory.create_batch(30)
    for number in range(5):
        for recipient in recipients:
            publish(recipient, kind=EVERYWHERE, name=f"number {number}")
    providers.add_rule(channel="sms", probability=0.1, seed=7, status=429, retry_after=1)
    providers.add_rule(delay=0.02)
    first, second = relay_process("--concurrency", "8"), relay_process("--concurrency", "8")
    wait_until(lambda: len(providers.messages()) > 100)
    first.signal(signal.SIGKILL)
    wait_until(lambda: statuses().keys() <= {"sent"}, seconds=60)
    second.signal(signal.SIGTERM)
    assert second.wait()[0] == 0
    for recipient in recipients:
        own = [
            (each.body.strip(), each.channel)
            for each in providers.messages()
            if each.accepted and each.to.removeprefix("whatsapp:") in (recipient.phone, recipient.email)
        ]
        expected = [(f"Hello number {number}", channel) for number in range(5) for channel in EVERYWHERE.channels]
        assert list(dict.fromkeys(own)) == expected


def test_a_message_published_while_it_idles_goes_out_at_once(relay_process: Start, providers: SandboxClient) -> None:
    relay = relay_process()
    wait_until(lambda: sent_by(relay))
    began = time.monotonic()
    publish(RecipientFactory())
    wait_until(providers.messages)
    assert time.monotonic() - began < 2.0, "the poll comes only every ten seconds"
    relay.signal(signal.SIGTERM)
    assert relay.wait()[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--concurrency", "0"], "--concurrency: must be a whole number of at least 1, not '0'"),
        (["--batch", "many"], "--batch: must be a whole number of at least 1, not 'many'"),
        (["--grace", "nan"], "--grace: must be a number of at least 0, not 'nan'"),
        (["--database", "elsewhere"], "--database: must be all, or one of default, not 'elsewhere'"),
        (["--channel", "pigeon"], "Unknown channel 'pigeon'; OUTBOX_CHANNELS has: sms, whatsapp, email."),
        (["--lease", "3"], "--lease 3 must be longer than OUTBOX_SEND_TIMEOUT_SECONDS (15)"),
    ],
)
def test_bad_options_are_refused_with_one_clear_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "run_outbox_relay", *arguments])
    assert ended.value.code
    assert said in capsys.readouterr().err
