"""Words that cannot be made: a kind is held and goes on by itself, one bad message fails, and a canary goes first."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from notifications.board.headline import headlines
from notifications.board.snapshot import snapshot
from notifications.channels.base import Outgoing
from notifications.content import rendering, template_watch
from notifications.content.template_watch import TemplateWatch
from notifications.kinds import Kind
from notifications.lifecycle import Accepted, Permanent, Status
from notifications.management.commands import run_outbox_relay
from notifications.models import DeliveryAttempt, OutboxMessage, Recipient, WordsState
from notifications.relay import words
from tests.factories.notifications import GREETING, RecipientFactory, publish_one, registered
from tests.stage.relay import RecordingChannel, drain, running_loop
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
NEWS = Kind("test.news", channels=("sms",), sample={"name": "Ann", "city": "Oslo"})
GOOD, BAD = "Hello {{ name }} of {{ city }}", "Hello {{ nmae }}"


@pytest.fixture(autouse=True)
def _kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(words, "PROBATION_SECONDS", 0.1)
    monkeypatch.setattr(words, "FIRST_HOLD_SECONDS", 0.2)
    monkeypatch.setattr(template_watch, "LOOK_SECONDS", 0.0)
    with registered(NEWS, GREETING):
        yield


@pytest.fixture
def template(tmp_path: Path, settings: Settings) -> Iterator[Callable[[str], None]]:
    """Writes the text of NEWS."""
    path = tmp_path / "notifications" / NEWS.name / "sms.txt"
    path.parent.mkdir(parents=True)
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path, *settings.TEMPLATES[0]["DIRS"]]}]
    rendering.forget_templates()
    yield path.write_text
    rendering.forget_templates()


def news(recipient: Recipient | None = None, **context: str) -> OutboxMessage:
    message = publish_one(recipient or RecipientFactory(), kind=NEWS)
    OutboxMessage.objects.filter(pk=message.pk).update(context=context or {"name": "Ann", "city": "Oslo"})
    return message


def put_off(*messages: OutboxMessage) -> None:
    """Have these tried again by nothing but the end of the hold."""
    ids = [message.pk for message in messages]
    OutboxMessage.objects.filter(pk__in=ids).update(next_attempt_at=datetime(2099, 1, 1, tzinfo=UTC))


def codes() -> dict[str, int]:
    rows = OutboxMessage.objects.values_list("status", "error_code")
    return {f"{status} {code}".strip(): [*rows].count((status, code)) for status, code in rows}


def are(**wanted: int) -> Callable[[], bool]:
    return lambda: {word.replace(" ", "_"): number for word, number in codes().items()} == wanted


def test_a_kind_whose_words_are_broken_is_held_and_goes_on_after_the_next_deploy(template: Any) -> None:
    template(BAD)
    messages = [news() for _ in range(5)]
    behind = publish_one(messages[0].recipient)
    channel = RecordingChannel()
    with running_loop(channel, release="one"):
        wait_until(are(pending_words_held=5, queued=1))
        wait_until(lambda: WordsState.objects.filter(held_release="one").exists())
        other = publish_one(RecipientFactory())  # of another kind
        wait_until(lambda: OutboxMessage.objects.get(pk=other.pk).status == Status.SENT)
        (told,) = [str(line) for line in headlines(snapshot()) if "test.news" in str(line)]
    assert "test.news by sms is held by relays of release one since" in told
    assert "the context has no nmae" in told
    assert "Mend the template" in told
    held = OutboxMessage.objects.filter(error_code="words_held")
    assert set(held.values_list("attempts", "rescues")) == {(0, 0)}
    assert "the context has no nmae" in held[0].error_detail
    assert not DeliveryAttempt.objects.filter(message__in=messages).exists()

    OutboxMessage.objects.filter(pk__in=[message.pk for message in messages[1:]]).update(
        next_attempt_at="2099-01-01T00Z"
    )
    template(GOOD)
    rendering.forget_templates()
    with running_loop(channel, release="two"):
        wait_until(are(sent=7))
        wait_until(lambda: WordsState.objects.filter(kind="test.news", held_at=None, proven_release="two").exists())
    order = [each.message_id for each in channel.sent]
    assert order.index(messages[0].pk) < order.index(behind.pk)
    assert [line for line in headlines(snapshot()) if "test.news" in str(line)] == []


def test_a_template_that_is_mended_in_place_needs_no_restart(template: Any) -> None:
    template(BAD)
    messages = [news() for _ in range(3)]
    with running_loop(RecordingChannel(), renew_words=TemplateWatch()):
        wait_until(are(pending_words_held=3))
        put_off(*messages[1:])
        template(GOOD)
        wait_until(are(sent=3))


def test_facts_that_no_longer_fit_the_words_hold_a_kind_although_its_sample_does(template: Any) -> None:
    template(GOOD)
    for _ in range(4):
        news(name="Bob")  # published before the words asked for a city
    with running_loop(RecordingChannel()):
        wait_until(are(pending_words_held=4))


def test_one_bad_message_fails_as_ever_among_those_that_can_be_made(template: Any) -> None:
    template(GOOD)
    bad = news(name="Bob")
    good = [news() for _ in range(6)]
    drain(RecordingChannel())
    bad.refresh_from_db()

    assert (bad.status, bad.error_code, bad.attempts) == (Status.FAILED, "rendering_failed", 1)
    assert OutboxMessage.objects.filter(pk__in=[each.pk for each in good], status=Status.SENT).count() == 6


def test_one_bad_message_alone_fails_where_its_kinds_sample_can_be_made(template: Any) -> None:
    template(GOOD)
    news(name="Bob")
    drain(RecordingChannel())
    assert codes() == {"failed rendering_failed": 1}


def test_what_is_held_expires_and_its_lane_goes_on(template: Any) -> None:
    template(BAD)
    message = news()
    behind = publish_one(message.recipient)
    drain(RecordingChannel())  # which ends, for the kind is held
    assert OutboxMessage.objects.get(pk=message.pk).status == Status.PENDING
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE notifications_outboxmessage SET expires_at = clock_timestamp() WHERE id = %s", [message.pk]
        )
    drain(RecordingChannel())
    assert OutboxMessage.objects.get(pk=message.pk).status == Status.EXPIRED
    assert OutboxMessage.objects.get(pk=behind.pk).status == Status.SENT


def test_after_a_deploy_one_message_of_a_kind_goes_first(template: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "CANARY_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(words, "MOST_CANARIES", 10)
    template(GOOD)
    WordsState.objects.create(kind=NEWS.name, channel="sms", proven_release="one")
    for _ in range(6):
        news()
    at_once: list[int] = []
    ended: list[int] = []

    def answer(outgoing: Outgoing) -> Any:
        at_once.append(outgoing.message_id)
        if len(at_once) <= 2:
            wait_until(lambda: OutboxMessage.objects.filter(status="pending", claim_number__gte=2).exists())
            connection.close()  # this thread's own
            assert len(at_once) == len(ended) + 1, "the others wait for the canary"
            ended.append(outgoing.message_id)
            return Permanent("twilio_63016", "these words are not approved")
        return Accepted(str(outgoing.message_id))

    drain(RecordingChannel(answer=answer), release="two", concurrency=4)
    assert codes() == {"failed twilio_63016": 2, "sent": 4}
    assert WordsState.objects.get().proven_release == "two"


def test_a_relay_of_the_release_that_was_proved_waits_for_no_canary(template: Any) -> None:
    template(GOOD)
    WordsState.objects.create(kind=NEWS.name, channel="sms", proven_release="one")
    for _ in range(3):
        news()
    drain(RecordingChannel(), release="one")
    assert set(OutboxMessage.objects.values_list("status", "claim_number")) == {("sent", 1)}


def test_a_relay_that_starts_with_the_same_words_loses_none_of_a_held_kind(template: Any) -> None:
    template(GOOD)
    for _ in range(3):
        news(name="Bob")  # the sample can be made, these cannot
    for release in ("one", "one", "two"):
        with running_loop(RecordingChannel(), release=release):
            wait_until(lambda: WordsState.objects.filter(held_at__isnull=False).exists())
            canary = OutboxMessage.objects.order_by("-claim_number")[0]
            wait_until(lambda: OutboxMessage.objects.get(pk=canary.pk).claim_number > canary.claim_number)  # noqa: B023
    assert codes() == {"pending words_held": 3}


def test_what_is_told_of_broken_words_quotes_no_message(template: Any) -> None:
    template("{{ name|money:city }}")
    for _ in range(2):
        news(name="Secret Name", city="eur")
    with running_loop(RecordingChannel()):
        wait_until(lambda: WordsState.objects.exclude(problem="").exists())
    problem = WordsState.objects.get().problem
    assert "notifications/test.news/sms.txt: " in problem
    assert "Secret" not in problem


def test_draining_ends_and_says_what_is_held(template: Any) -> None:
    template(BAD)
    first, _ = news(), news()
    behind = publish_one(first.recipient)
    assert drained() == (
        1,
        "2 messages left. test.news by sms is held",
        "its words cannot be made",
        "Mend the template",
    )
    assert codes() == {"pending words_held": 2, "queued": 1}
    template(GOOD)
    rendering.forget_templates()
    assert drained() == (0,)
    assert OutboxMessage.objects.get(pk=behind.pk).status == Status.SENT


def drained() -> tuple[Any, ...]:
    """The exit code, and what the command said, in parts."""
    channel = RecordingChannel()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_outbox_relay, "build_routes", lambda _: {"sms": channel})
        patch.setattr(run_outbox_relay.signal, "signal", lambda *_: None)
        try:
            call_command("run_outbox_relay", "--drain")
        except CommandError as error:
            said = str(error)
            parts = ("2 messages left. test.news by sms is held", "its words cannot be made", "Mend the template")
            return error.returncode, *(part for part in parts if part in said)
    return (0,)
