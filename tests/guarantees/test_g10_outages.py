"""G10: a provider's outage uses up no attempts beyond those that discovered it, and its end starts no stampede."""

import itertools
import threading
import time
from itertools import pairwise
from typing import Any

import pytest

from notifications import telemetry
from notifications.channels.base import Outgoing
from notifications.kinds import Kind
from notifications.lifecycle import Accepted, Outcome, Permanent, Throttled, Transient, Unknown
from notifications.models import ChannelState, DeliveryAttempt, OutboxMessage, Relay
from notifications.operations import pause_channel
from notifications.relay import gate
from notifications.relay.breaker import FAILURES, Breaker
from notifications.selectors.overview import overview
from tests.factories.notifications import RecipientFactory, publish, publish_one
from tests.stage.relay import RecordingChannel, drain, running_loop
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


class Provider:
    """A provider that can go out of service, and remembers when it was asked."""

    def __init__(self) -> None:
        self.is_up = True
        self.asked: list[tuple[float, bool]] = []
        self._lock = threading.Lock()

    def answer(self, outgoing: Outgoing) -> Outcome:
        with self._lock:
            self.asked.append((time.monotonic(), self.is_up))
        return Accepted("yes") if self.is_up else Unknown("http_503")

    @property
    def accepted_at(self) -> list[float]:
        return [at for at, was_up in self.asked if was_up]

    @property
    def refused(self) -> int:
        return len([at for at, was_up in self.asked if not was_up])


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def quick_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "FIRST_PROBE_SECONDS", 0.2)
    monkeypatch.setattr(gate, "LONGEST_PROBE_SECONDS", 0.4)


def sent() -> int:
    return OutboxMessage.objects.filter(status="sent").count()


def crowd(number: int) -> None:
    for recipient in RecipientFactory.create_batch(number):
        publish(recipient)


def wait_for_heartbeats(number: int) -> None:
    for _ in range(number):
        heard = Relay.objects.get().heartbeat_at
        wait_until(lambda heard=heard: Relay.objects.get().heartbeat_at > heard)


def test_an_outage_costs_the_attempts_that_discovered_it_and_no_message(provider: Provider, quick_probes: None) -> None:
    provider.is_up = False
    crowd(60)
    with running_loop(RecordingChannel(answer=provider.answer), concurrency=8) as _:
        wait_until(lambda: ChannelState.objects.filter(broken_at__isnull=False))
        refused = provider.refused
        wait_until(lambda: provider.refused >= refused + 3)  # probes
        used_up = sum(OutboxMessage.objects.values_list("attempts", flat=True))
        assert used_up <= FAILURES
        assert overview().channels["sms"]["state"] == "broken"
        provider.is_up = True
        wait_until(lambda: sent() == 60)
    assert sum(OutboxMessage.objects.values_list("attempts", flat=True)) <= 60 + FAILURES
    assert overview().channels["sms"]["state"] == "open"
    marked = DeliveryAttempt.objects.filter(answer="unknown").count()
    assert marked == provider.refused, "every failure is on record, whether it counted or not"


def test_while_it_lasts_single_probes_test_the_provider(provider: Provider, quick_probes: None) -> None:
    provider.is_up = False
    crowd(40)
    with (
        running_loop(RecordingChannel(answer=provider.answer), concurrency=1),
        running_loop(RecordingChannel(answer=provider.answer), concurrency=1),
    ):
        wait_until(lambda: ChannelState.objects.filter(probes__gte=1))
        before = provider.refused
        wait_until(lambda: provider.refused >= before + 2 + 5)  # two that were under way, and five probes
        moments = [at for at, _ in provider.asked]
    assert moments[-1] - moments[-5] > 3 * 0.4, "two relays together probe no more often than one"


def test_after_it_the_backlog_goes_out_at_a_rising_rate(provider: Provider, quick_probes: None) -> None:
    provider.is_up = False
    crowd(60)
    with running_loop(RecordingChannel(answer=provider.answer), concurrency=32):
        wait_until(lambda: ChannelState.objects.filter(broken_at__isnull=False))
        provider.is_up = True
        wait_until(lambda: sent() == 60)
    accepted = provider.accepted_at
    begun = accepted[0]
    within_a_second = len([at for at in accepted if at - begun < 1.0])
    assert within_a_second <= 2 * gate.RAMP_FIRST_RATE + 2, "no stampede"
    gaps = [later - earlier for earlier, later in pairwise(accepted)]
    assert sum(gaps[:10]) > 2 * sum(gaps[-10:]), "it rises"


def test_an_outage_of_one_channel_does_not_slow_another(provider: Provider, quick_probes: None) -> None:
    provider.is_up = False
    crowd(20)
    emails = RecordingChannel("email")
    with running_loop(RecordingChannel(answer=provider.answer), emails, concurrency=8):
        wait_until(lambda: ChannelState.objects.filter(broken_at__isnull=False))
        email = Kind("test.greeting", channels=("email",))
        for recipient in RecipientFactory.create_batch(50):
            publish(recipient, kind=email)
        wait_until(lambda: len(emails.sent) == 50, seconds=5)


def test_failures_between_answers_are_no_outage() -> None:
    breaker = Breaker()
    for _ in range(10):
        assert all(breaker.record(Transient("x")) for _ in range(FAILURES))
        breaker.record(Accepted())


@pytest.mark.parametrize("answer", [Accepted(), Permanent("twilio_21211"), Throttled("twilio_20429", 1.0)])
def test_whatever_a_provider_says_shows_that_it_is_there(answer: Outcome) -> None:
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.record(Unknown("http_503"))
    assert not breaker.record(Unknown("http_503"))
    breaker.record(answer)
    assert breaker.record(Unknown("http_503"))


def test_what_never_reached_the_provider_says_nothing_about_it() -> None:
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.record(Unknown("http_503"))
    breaker.record(Permanent("no_address"))
    assert not breaker.record(Unknown("http_503"))


def test_a_paused_channel_sends_nothing_and_says_so_until_it_is_resumed() -> None:
    assert pause_channel.pause("sms", actor="ann", reason="wrong sender")
    assert not pause_channel.pause("sms", actor="bob"), "it was paused already"
    message = publish_one(RecipientFactory())
    sms = RecordingChannel()
    drain(sms)  # ends: what is left cannot move
    assert not sms.sent
    assert overview().channels["sms"]["state"] == "paused"
    state = ChannelState.objects.get(name="sms")
    assert (state.paused_by, state.pause_reason) == ("ann", "wrong sender")
    with running_loop(sms):
        assert pause_channel.resume("sms", actor="ann")
        assert not pause_channel.resume("sms", actor="ann")
        wait_until(lambda: sms.sent, seconds=5)
    message.refresh_from_db()
    assert (message.status, message.attempts) == ("sent", 1)


def test_a_channel_paused_while_a_relay_runs_stops_within_a_heartbeat() -> None:
    sms = RecordingChannel()
    with running_loop(sms):
        publish(RecipientFactory())
        wait_until(lambda: sms.sent)
        pause_channel.pause("sms", actor="ann")
        wait_for_heartbeats(2)
        publish(RecipientFactory())
        wait_for_heartbeats(2)
        assert len(sms.sent) == 1
        pause_channel.resume("sms", actor="ann")
        wait_until(lambda: len(sms.sent) == 2, seconds=5)


@pytest.mark.parametrize("relays", [1, 2])
def test_a_rate_limit_holds_over_all_relays_within_five_percent(relays: int, provider: Provider) -> None:
    crowd(130)
    channels = [RecordingChannel(answer=provider.answer) for _ in range(relays)]
    if relays == 1:
        drain(channels[0], rates={"sms": 50.0})
    else:
        with running_loop(channels[0], rates={"sms": 50.0}), running_loop(channels[1], rates={"sms": 50.0}):
            wait_until(lambda: sent() == 130)
    times = sorted(provider.accepted_at)
    rate = (len(times) - 10 - 1) / (times[-1] - times[10])  # after the first burst
    assert 50 * 0.95 <= rate <= 50 * 1.05


def test_a_kind_may_have_attempts_of_its_own() -> None:
    once = Kind("test.greeting", channels=("sms",), max_attempts=1)
    message = publish_one(RecipientFactory(), kind=once)
    drain(RecordingChannel(answer=lambda outgoing: Transient("busy")))
    message.refresh_from_db()
    assert (message.status, message.attempts) == ("failed", 1)
    publish_one(RecipientFactory())  # registers the kind as it was


def test_pause_and_resume_by_command_and_in_the_admin(admin_client: Any) -> None:
    from django.core.management import CommandError, call_command  # noqa: PLC0415
    from django.urls import reverse  # noqa: PLC0415

    call_command("pause_channel", "sms", reason="fire", verbosity=0)
    assert overview().channels["sms"]["state"] == "paused"
    for action, state in (("resume", "open"), ("pause", "paused")):
        admin_client.post(reverse(f"admin:notifications_channelstate_{action}", args=["sms"]), {"reason": "fire"})
        assert overview().channels["sms"]["state"] == state
    assert ChannelState.objects.get(name="sms").paused_by == "admin"
    call_command("resume_channel", "sms", verbosity=0)
    assert overview().channels["sms"]["state"] == "open"
    with pytest.raises(CommandError, match="must be one of email, sms, whatsapp"):
        call_command("pause_channel", "pigeon")


@pytest.mark.parametrize("percent", [1, 5])
def test_isolated_failures_are_no_outage(percent: int, provider: Provider) -> None:
    """A campaign over two relays: every so-many-th call of a healthy provider fails, and no channel ever breaks."""
    broken: list[object] = []
    unsubscribe = telemetry.subscribe(lambda event, _: broken.append(event) if event == "channel.broken" else None)
    calls = itertools.count(1)
    failed: list[int] = []  # each message fails once at most: three in a row would end it

    def answer(outgoing: Outgoing) -> Outcome:
        if next(calls) % (100 // percent) or outgoing.message_id in failed:
            return Accepted("yes")
        failed.append(outgoing.message_id)
        return Transient("http_503")

    crowd(1_200)
    channels = RecordingChannel(answer=answer), RecordingChannel(answer=answer)
    with running_loop(channels[0], batch=10), running_loop(channels[1], batch=10):
        wait_until(lambda: sent() == 1_200, seconds=60)
    unsubscribe()
    assert len(failed) > 10 * percent
    assert broken == []
    assert not DeliveryAttempt.objects.exclude(answer__in=("accepted", "transient")).exists()
