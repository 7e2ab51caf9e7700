"""Whatever a channel or a step before it raises or returns, the attempt is recorded and nobody else is harmed (G3)."""

import logging
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from math import inf, nan
from typing import Any
from uuid import UUID

import pytest

from notifications.kinds import Kind
from notifications.lifecycle import Accepted, Deferral, Permanent, Throttled, Transient, Unknown
from notifications.models import DeliveryAttempt, OutboxMessage, Recipient
from notifications.policy import locales
from notifications.policy.retry import RetryPolicy
from notifications.relay.outcome_checks import well_typed
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RecordingChannel, drain, running_loop, status_of
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

QUICK = RetryPolicy(
    max_attempts=2, backoff_seconds=0, backoff_max_seconds=0, max_rescues=5, max_deferrals=2, deferral_seconds=0
)


class Pigeon(RecordingChannel):
    """A channel of somebody's own."""


def attempts(message: OutboxMessage) -> list[tuple[str, str]]:
    return list(DeliveryAttempt.objects.filter(message=message).order_by("id").values_list("answer", "code"))


def drained_with(answer: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> OutboxMessage:
    """The message of one recipient to whom the channel answers so; another one's goes out beside it, on one thread."""
    message, other = publish_one(RecipientFactory()), publish_one(RecipientFactory())
    with caplog.at_level(logging.ERROR, logger="notifications"):
        drain(
            Pigeon(answer=lambda out: answer() if out.message_id == message.pk else Accepted("yes")),
            policy=QUICK,
            concurrency=1,
        )
    other.refresh_from_db()
    assert other.status == "sent", "harmed nobody else"
    assert "by=Pigeon" in caplog.text
    message.refresh_from_db()
    return message


class OddText(str):
    """A text that cannot be used as one."""

    def isascii(self) -> bool:
        raise RuntimeError


class OddAccepted(Accepted):
    """An outcome that cannot be looked at."""

    __slots__ = ()
    code = property(lambda _: 1 / 0)  # type: ignore[assignment]


class OddUnknown(Unknown):
    __slots__ = ()
    deferral = "soon"  # type: ignore[assignment]


class Codes(StrEnum):
    NO_PIGEON = "no_pigeon"


class Closed(Permanent):
    """A subclass that only gives the outcome a name."""


@pytest.mark.parametrize("answer", [None, "accepted", 12345, {"sid": "SM1"}, Accepted, True], ids=repr)
def test_what_is_no_outcome_is_an_attempt_of_unknown_outcome(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    message = drained_with(lambda: answer, caplog)
    assert (message.status, message.attempts) == ("failed", 2)
    assert attempts(message) == [("unknown", "bad_outcome")] * 2


@pytest.mark.parametrize("error", [RuntimeError, SystemExit, KeyboardInterrupt, RecursionError])
def test_nothing_that_a_channel_raises_ends_its_thread(
    error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    def explode() -> Any:
        raise error("words that may name somebody")

    message = drained_with(explode, caplog)
    assert attempts(message) == [("unknown", "internal_error")] * 2
    assert "somebody" not in caplog.text


@pytest.mark.parametrize(
    ("answer", "recorded"),
    [
        (Accepted(12345), ("accepted", "")),
        (Accepted("yes", detail={"to": "ann@example.com"}), ("accepted", "")),
        (Permanent(404), ("permanent", "404")),
        (Permanent("no", ["ann@example.com"]), ("permanent", "no")),
        (Permanent("no", reason="opted_out"), ("permanent", "no")),
        (Transient(None), ("transient", "")),
        (Transient("later", deferral="300 seconds"), ("transient", "later")),
        (Transient("later", deferral=Deferral("soon")), ("transient", "later")),
        (Unknown(b"bytes"), ("unknown", "(bytes)")),
        (Accepted(10**5000), ("accepted", "")),
        (Permanent(10**5000), ("permanent", "(int)")),
        (OddAccepted.__new__(OddAccepted), ("accepted", "")),
    ],
    ids=lambda answer: type(answer).__name__,
)
def test_an_outcome_with_a_field_of_another_type_keeps_its_meaning(
    answer: Any, recorded: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    message = drained_with(lambda: answer, caplog)
    assert set(attempts(message)) == {recorded}
    assert message.status == ("sent" if recorded[0] == "accepted" else "failed")
    assert "ann@" not in message.error_detail
    if answer == Accepted(12345):
        assert (message.provider_id, message.attempts) == ("12345", 1), "accepted once, and not sent again"


@pytest.mark.parametrize(
    "answer",
    [Permanent(Codes.NO_PIGEON), Closed("no_pigeon"), Permanent(OddText("no_pigeon")), OddUnknown("no_pigeon")],
    ids=["enum", "subclass", "text", "field of its own"],
)
def test_an_outcome_of_a_subclass_is_no_mistake(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    message = publish_one(RecipientFactory())
    with caplog.at_level(logging.ERROR, logger="notifications"):
        drain(Pigeon(answer=lambda _: answer), policy=QUICK)
    assert set(attempts(message)) == {(answer.answer.value, "no_pigeon")}
    assert "dispatch.error" not in caplog.text


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        *((none, 5.0) for none in (nan, inf, -1.0, 0, "soon", None, OddText("30 s"))),
        *((written, 30.0) for written in ("30", Decimal(30), timedelta(seconds=30))),
        *((too_long, 86_400.0) for too_long in (10**400, 10**9, timedelta(days=60))),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_message_that_was_throttled_is_never_due_at_once(retry_after: Any, seconds: float) -> None:
    """Throttling uses up no attempts: without a delay the provider would be asked without end."""
    assert well_typed(Throttled("slow", retry_after)) == Throttled("slow", seconds)


@pytest.mark.parametrize(
    ("provider_id", "kept"),
    [(UUID(int=5), str(UUID(int=5))), (b"SM1", "SM1"), (Decimal("17"), "17"), ({"to": "ann@example.com"}, "(dict)")],
    ids=str,
)
def test_the_provider_s_name_for_a_message_is_kept(provider_id: Any, kept: str) -> None:
    assert well_typed(Accepted(provider_id)) == Accepted(kept)


@pytest.mark.parametrize("retry_after", [nan, True], ids=repr)
def test_a_delay_that_cannot_be_kept_to_stops_nothing(retry_after: Any, caplog: pytest.LogCaptureFixture) -> None:
    message = publish_one(RecipientFactory())
    with running_loop(Pigeon(answer=lambda _: Throttled("slow", retry_after)), policy=QUICK):
        wait_until(lambda: attempts(message) == [("throttled", "slow")])


def test_what_stops_a_step_before_the_send_is_a_failure_and_counts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    message, channel = publish_one(RecipientFactory()), Pigeon()
    channel.address_field = "pigeonhole"  # type: ignore[assignment]
    drain(channel, policy=QUICK, concurrency=1)
    message.refresh_from_db()
    assert (message.status, message.attempts, len(channel.sent)) == ("failed", 2, 0)
    assert attempts(message) == [("transient", "internal_error")] * 2
    assert "by=Pigeon" in caplog.text


@pytest.mark.parametrize("answer", [None, Transient("away"), Unknown("timeout")], ids=repr)
def test_a_policy_that_nothing_can_be_judged_by_ends_no_thread(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    message, other = publish_one(RecipientFactory()), publish_one(RecipientFactory())
    wrong = RetryPolicy(max_attempts="3", backoff_seconds=0, backoff_max_seconds=0, max_rescues=5)  # type: ignore[arg-type]
    drain(
        Pigeon(answer=lambda out: answer if out.message_id == message.pk else Accepted("yes")),
        policy=wrong,
        concurrency=1,
    )
    assert [status_of(each) for each in (message, other)] == ["failed", "sent"]
    assert attempts(message) == [("transient", "internal_error")]


def test_a_message_that_kills_its_relays_ends_though_a_step_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    message = publish_one(RecipientFactory())
    OutboxMessage.objects.update(rescues=QUICK.max_rescues, claim_number=QUICK.max_rescues)
    monkeypatch.setattr("notifications.relay.delivery.suppression", _explode)
    drain(Pigeon(), policy=QUICK)
    message.refresh_from_db()
    assert (message.status, message.error_code) == ("failed", "relay_lost")


def _explode(*_: Any, **__: Any) -> Any:
    raise RuntimeError


def test_a_time_zone_that_this_host_lacks_falls_back_and_says_so(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    locales.usable_zone.cache_clear()  # it says so once per process
    settings.OUTBOX_QUIET_HOURS = "2-2:01"
    reminder = Kind("test.greeting", channels=("sms",), may_wait=True)
    recipient = RecipientFactory()
    Recipient.objects.update(time_zone="US/Berlin")
    message = publish_one(recipient, kind=reminder)
    drain(RecordingChannel())
    message.refresh_from_db()
    assert message.status == "sent"
    assert "no time zone 'US/Berlin'" in caplog.text


@pytest.mark.parametrize("found", [True, "SM1", Permanent("no"), Unknown("no")], ids=repr)
def test_an_answer_to_the_question_that_is_none_sends_nothing(found: Any, caplog: pytest.LogCaptureFixture) -> None:
    class Asked(Pigeon):
        def find(self, *_: Any, **__: Any) -> Any:
            return found

    message = publish_one(RecipientFactory())
    channel = Asked(answer=lambda _: Unknown("timeout"))
    drain(channel, policy=QUICK)
    assert len(channel.sent) == 1
    assert [answer for answer, _ in attempts(message)] == ["unknown", "transient"]


def test_a_channel_whose_question_about_replies_fails_does_not_end_the_relay() -> None:
    class Broken(RecordingChannel):
        def needs_inbound_age(self, kind: str) -> bool:
            raise RuntimeError

    message = publish_one(RecipientFactory())
    drain(Broken())
    message.refresh_from_db()
    assert message.status == "sent"
