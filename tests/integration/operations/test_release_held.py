"""In quiet hours what may wait is held beside the lane, and holds up nobody; in the morning it comes back."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from notifications import outbox, schedules
from notifications.checks.promises import settings_fit_together
from notifications.kinds import Kind, Purpose
from notifications.lifecycle import HELD
from notifications.models import OutboxMessage, Recipient
from notifications.operations import release_held
from notifications.selectors.waits import waits_of
from tests.factories.notifications import GREETING, RecipientFactory, publish, publish_one, registered
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)
REMINDER = Kind("test.reminder", channels=("sms",), purpose=Purpose.REMINDER)
LATER = timedelta(hours=3)


def hours_around_now() -> str:
    now = timezone.now()
    return "-".join(f"{now + timedelta(hours=change):%H:%M}" for change in (-1, 2))


@pytest.fixture(autouse=True)
def _kinds() -> Iterator[None]:
    with registered(GREETING, REMINDER):
        yield


@pytest.fixture
def quiet(settings: Settings) -> None:
    settings.OUTBOX_QUIET_HOURS = hours_around_now()


def remind(recipient: Recipient, **words: Any) -> OutboxMessage:
    publish(recipient, kind=REMINDER, **words)
    return OutboxMessage.objects.filter(kind=REMINDER.name).latest("id")


def state(message: OutboxMessage) -> tuple[str, str, str]:
    message.refresh_from_db()
    return message.status, message.lane, message.error_code


def release(at: datetime | None = None) -> int:
    return release_held.release_due(now=at or timezone.now() + LATER)


def kinds_sent(channel: RecordingChannel) -> list[str]:
    return [outgoing.kind for outgoing in channel.sent]


@pytest.fixture
def sms(monkeypatch: pytest.MonkeyPatch) -> RecordingChannel:
    channel = RecordingChannel()
    channel.templates = {"text": "sms.txt"}
    monkeypatch.setattr("notifications.relay.delivery.outgoing_of", _unworded)
    return channel


def _unworded(message: Any, channel: Any, address: str) -> Any:
    from notifications.channels.base import Outgoing  # noqa: PLC0415

    return Outgoing(message.id, message.claim_number, message.kind, address, {"text": ""})


@pytest.mark.usefixtures("quiet")
def test_what_may_wait_is_held_and_holds_up_nobody(sms: RecordingChannel) -> None:
    recipient = RecipientFactory()
    held = remind(recipient)
    publish(recipient)
    drain(sms)

    assert kinds_sent(sms) == ["test.greeting"]
    assert state(held) == ("queued", HELD, "")
    assert held.next_attempt_at > timezone.now() + timedelta(hours=1)
    assert [wait.code for wait in waits_of(held)] == ["quiet"]
    assert release(timezone.now()) == 0, "not before the quiet hours are over"
    assert schedules.release_held() == "0 held messages released"


@pytest.mark.parametrize("lane", ["recipient", "recipient+channel"])
def test_in_the_morning_it_comes_back_before_what_is_younger(
    settings: Settings, sms: RecordingChannel, lane: str
) -> None:
    settings.OUTBOX_LANE = lane
    settings.OUTBOX_QUIET_HOURS = hours_around_now()
    recipient = RecipientFactory()
    held = remind(recipient)
    publish(recipient)
    publish(recipient)
    assert (release(), release()) == (1, 0)
    assert state(held)[1] == ("" if lane == "recipient" else "sms")
    settings.OUTBOX_QUIET_HOURS = ""
    drain(sms)

    assert kinds_sent(sms) == ["test.greeting", "test.reminder", "test.greeting"], "the head was leading already"


def test_what_waits_when_the_quiet_hours_begin_is_taken_out_of_the_lane(
    settings: Settings, sms: RecordingChannel
) -> None:
    recipient = RecipientFactory()
    head = remind(recipient)
    publish(recipient)
    assert state(head)[0] == "pending"
    settings.OUTBOX_QUIET_HOURS = hours_around_now()
    drain(sms)

    assert kinds_sent(sms) == ["test.greeting"]
    assert state(head) == ("queued", HELD, "")
    assert head.attempts == 0
    release()
    settings.OUTBOX_QUIET_HOURS = ""
    drain(sms)
    assert state(head) == ("sent", "", "")


@pytest.mark.parametrize("is_waiting", [False, True])
def test_what_would_be_of_no_use_in_the_morning_is_not_sent_and_says_so(
    settings: Settings, sms: RecordingChannel, is_waiting: bool
) -> None:
    if not is_waiting:
        settings.OUTBOX_QUIET_HOURS = hours_around_now()
    message = remind(RecipientFactory(), expires_at=timezone.now() + timedelta(minutes=30))
    settings.OUTBOX_QUIET_HOURS = hours_around_now()
    drain(sms)

    assert (state(message)[0], state(message)[2]) == ("cancelled", "quiet_hours")


@pytest.mark.usefixtures("quiet")
def test_held_messages_can_be_withdrawn_and_the_others_stay_held(sms: RecordingChannel) -> None:
    recipient = RecipientFactory()
    first, second = remind(recipient), remind(recipient)
    outbox.cancel([first.pk])
    drain(sms)

    assert [state(first)[0], state(second)[:2]] == ["cancelled", ("queued", HELD)]
    assert not sms.sent


def test_a_recipient_elsewhere_has_other_hours(settings: Settings) -> None:
    settings.OUTBOX_QUIET_HOURS = hours_around_now()
    recipient = RecipientFactory(time_zone="Asia/Kolkata" if timezone.now().hour % 2 else "Asia/Tokyo")

    assert state(remind(recipient))[0] == "pending"


def test_a_kind_may_have_hours_of_its_own_or_none(settings: Settings) -> None:
    own = Kind("test.greeting", channels=("sms",), may_wait=True, quiet_hours=hours_around_now())
    publish(RecipientFactory(), kind=own)
    assert OutboxMessage.objects.latest("id").lane == HELD

    settings.OUTBOX_QUIET_HOURS = hours_around_now()
    urgent = Kind("test.greeting", channels=("sms",), purpose=Purpose.REMINDER, may_wait=False)
    assert publish_one(RecipientFactory(), kind=urgent).lane == ""


def test_hours_that_are_none_are_found_at_the_start(settings: Settings) -> None:
    settings.OUTBOX_QUIET_HOURS = "late"
    assert [problem.id for problem in settings_fit_together()] == ["notifications.E008"]
