"""The board's headlines: all that hurts is named, with why and what to do. `outbox_status` says the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from notifications.board.headline import headlines
from notifications.board.snapshot import snapshot
from notifications.clock.run import Clock
from notifications.content.release import release
from notifications.kinds import Kind
from notifications.lifecycle import Outcome, Permanent, Transient
from notifications.models import ClockJob, OutboxMessage, Relay
from notifications.operations import pause_channel
from notifications.relay.breaker import FAILURES
from notifications.selectors.database_clock import database_now
from tests.factories.notifications import RecipientFactory, publish_one, registered
from tests.factories.scene import message
from tests.stage.commands import command
from tests.stage.relay import RecordingChannel, running_loop
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def said() -> str:
    """The headlines, one after the other."""
    return " ".join(map(str, headlines(snapshot())))


@contextmanager
def answering(outcome: Outcome) -> Iterator[None]:
    """A relay and a clock at work, whose SMS provider always answers `outcome`."""
    Clock("default").tick()
    with running_loop(RecordingChannel(answer=lambda _: outcome)):
        yield


def publish(number: int) -> None:
    for _ in range(number):
        publish_one(RecipientFactory())


def test_refused_credentials_are_no_outage_and_the_cure_is_named() -> None:
    with answering(Transient("twilio_20003", "Authenticate")):
        publish(FAILURES)
        wait_until(lambda: snapshot().channels[1].state == "refused")
        assert "sms is refused since " in said()
        assert "the provider refuses our credentials (twilio_20003). Renew them (TWILIO_AUTH_TOKEN" in said()
        assert "sms is refused since " in " ".join(command("outbox_status").split())


def test_an_outage_says_with_which_error_and_that_nothing_need_be_done() -> None:
    with answering(Transient("connect_timeout")):
        publish(FAILURES)
        wait_until(lambda: snapshot().channels[1].state == "broken")
        assert "the provider cannot be reached (connect_timeout). Nothing: it is tried again" in said()


def test_a_few_failures_are_named_though_all_channels_are_open() -> None:
    """Five of five failed within a minute, and the board said that all was well."""
    with answering(Permanent("rendering_failed", "no such variable")):
        publish(5)
        wait_until(lambda: OutboxMessage.objects.filter(status="failed").count() == 5)
        assert said().startswith(
            "5 messages by sms (test.greeting) failed in the last 15 minutes: the words could not be made, or the "
            "provider does not accept them (rendering_failed). Mend the template"
        )


def test_what_is_tried_again_is_named_once_it_is_more_than_everyday_life() -> None:
    later = database_now() + timedelta(minutes=5)
    for number in range(3):
        assert "are tried again later" not in said(), number
        message(channel="email", attempts=1, error_code="smtp_451", next_attempt_at=later)
    assert "3 messages by email are tried again later: the mail server puts the message off (smtp_451)." in said()


def test_a_channel_that_holds_up_another_is_named() -> None:
    recipient = RecipientFactory()
    publish_one(recipient)
    by_email = Kind("test.greeting", channels=("email",))
    with registered(by_email):
        for _ in range(2):
            publish_one(recipient, kind=by_email)
    pause_channel.pause("sms", actor="ann", reason="a test")
    assert "2 messages by email wait behind sms, in the same lanes." in said()


def test_a_clock_that_nobody_runs_is_named() -> None:
    with answering(Permanent("twilio_21211")):
        wait_until(lambda: "No relay is running" not in said())
        assert said() == ""
        ClockJob.objects.all().delete()
        assert said() == "", "its first look may be still to come"
        Relay.objects.update(started_at=database_now() - timedelta(minutes=2))
        assert "Nothing has run the outbox's clock" in said()


def test_a_relay_of_another_release_is_named() -> None:
    """New templates were deployed, the web was restarted, and a relay went on with the old ones."""
    Clock("default").tick()
    with running_loop(RecordingChannel(), release="before"):
        wait_until(lambda: "runs other code or templates than the board." in said())
    with running_loop(RecordingChannel(), release=release()):
        wait_until(lambda: "No relay is running" not in said())
        assert said() == ""
