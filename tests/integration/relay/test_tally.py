"""The tallies: exact whoever is killed, never in anybody's way, and small."""

import signal
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import pytest
from django.db import connection, connections
from django.db.models import Sum

from notifications import outbox, telemetry
from notifications.channels.base import Outgoing
from notifications.lifecycle import Accepted, Outcome, Permanent, Status, Throttled, Transient, Unknown
from notifications.models import DeliveryAttempt, Depth, OutboxMessage, Tally
from notifications.protocol import sql_tally
from notifications.protocol.histogram import BOUNDS, quantile
from notifications.relay import settle, tally
from notifications.relay.connection import Connection, open_connection
from notifications.relay.messages import Settlement
from notifications.relay.session import Session
from notifications.relay.shutdown import Shutdown
from notifications.relay.wake import Wake
from notifications.selectors import overview
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import HandRelay, RecordingChannel, RelayProcess, drain, running_loop
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

ANSWERS = sql_tally.ANSWERS
RELAYS_SESSION = """
SELECT pid FROM pg_stat_activity WHERE application_name = 'outbox relay' AND datname = current_database()
"""
END_RELAYS_SESSION = RELAYS_SESSION.replace("SELECT pid", "SELECT pg_terminate_backend(pid)")


def sums(*names: str) -> dict[str, int]:
    return {name: Tally.objects.aggregate(total=Sum(name))["total"] or 0 for name in names}


def attempts() -> dict[str, int]:
    return {answer: DeliveryAttempt.objects.filter(answer=answer).count() for answer in ANSWERS}


def sent(message: Any) -> Settlement:
    return Settlement(message, Status.SENT, 1, outcome=Accepted("yes"), began=-0.2, ended=-0.1)


@pytest.fixture
def raw() -> Iterator[Any]:
    with open_connection("default", name="test") as opened:
        yield opened


@pytest.fixture
def nested(monkeypatch: pytest.MonkeyPatch) -> None:
    """A settle within a test's transaction becomes a part of it; its own COMMIT would end the test's."""
    monkeypatch.setattr(settle, "transaction", Connection.transaction)


@pytest.mark.usefixtures("nested")
def test_what_a_broken_session_writes_late_is_counted(hand_relay: Callable[..., HandRelay]) -> None:
    """Its last settle may end after the relay has come back: the relay's lock tells, which that session holds."""
    publish_one(RecipientFactory())
    relay = hand_relay()
    shutdown = Shutdown(grace=0.0, is_draining=False, wake=Wake())
    session = Session("default", relay.lease, tally=tally.Tally(), shutdown=shutdown)
    session.connection = relay.connection
    session.beat(in_flight=0)
    claimed, broken = relay.claim(), relay.connection
    relay.lease.suspend()
    session.connect()
    with broken.transaction():
        relay.settle(*map(sent, claimed))
        session.beat(in_flight=0)  # whose ids are drawn, and not to be seen yet
    assert sums("sent") == {"sent": 0}
    broken.close()
    wait_until(lambda: session.beat(in_flight=0).is_known and relay.lease.is_alone(session.connection))
    for _ in range(2):
        session.beat(in_flight=0)
        assert sums("sent", "accepted") == {"sent": 1, "accepted": 1}
    session.connection.close()


def test_what_happens_is_counted_by_outcome(transactional_db: None) -> None:
    outcomes = cycle([Accepted("1"), Transient("busy"), Permanent("no"), Unknown("lost"), Throttled("slow", 0.0)])
    channel = RecordingChannel(answer=lambda outgoing: next(outcomes))
    for _ in range(20):
        publish_one(RecipientFactory())
    late = publish_one(RecipientFactory(), expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    drain(channel, concurrency=1)
    assert sums(*ANSWERS) == attempts()
    ended = {status: OutboxMessage.objects.filter(status=status).count() for status in ("sent", "failed", "expired")}
    assert sums("sent", "failed", "expired") == ended
    assert ended["expired"] == 1
    assert late.channel == "sms"
    rows = list(Tally.objects.all())
    assert sum(sum(row.delays) for row in rows) == ended["sent"]
    assert sum(sum(row.durations) for row in rows) == sum(attempts().values())


def test_what_people_do_is_counted_too() -> None:
    recipient = RecipientFactory()
    first, second = publish_one(recipient), publish_one(recipient)
    assert outbox.cancel([first.pk, second.pk]) == [first.pk, second.pk]
    third = publish_one(recipient)
    drain(RecordingChannel(answer=lambda outgoing: Permanent("no")))
    assert outbox.replay([third.pk, first.pk], actor="ann") == [third.pk]
    assert sums("cancelled", "replayed", "failed") == {"cancelled": 2, "replayed": 1, "failed": 1}


def test_a_cancellation_waits_for_no_other(raw: Any) -> None:
    """A counter that all share would make every payment that cancels something wait for every other."""
    first, second = publish_one(RecipientFactory()), publish_one(RecipientFactory())
    with raw.transaction():
        raw.execute(sql_tally.append("cancelled", changed="(VALUES ('sms')) AS changed (channel)"))
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        outbox.cancel([first.pk, second.pk])
    assert sums("cancelled") == {"cancelled": 3}


def test_what_a_dead_relay_had_not_counted_is_counted_from_its_attempts(
    hand_relay: Callable[..., HandRelay],
) -> None:
    for _ in range(6):
        publish_one(RecipientFactory())
    lost, other = hand_relay(), hand_relay()
    claimed = lost.claim(4)
    lost.settle(*map(sent, claimed[:2]))
    lost.lease.beat(lost.connection, in_flight=2, counts=lost.tally.as_json())
    lost.settle(sent(claimed[2]), Settlement(claimed[3], Status.FAILED, 1, outcome=Permanent("no")))
    other.settle(*map(sent, other.claim(1)))  # another's, among the lost one's
    assert sums("sent", "failed") == {"sent": 2, "failed": 0}
    lost.let_lease_run_out()
    assert other.declare_dead(lost) == [lost.lease.relay_id]
    other.count_departed()
    assert sums("sent", "failed", "accepted", "permanent") == {"sent": 3, "failed": 1, "accepted": 3, "permanent": 1}
    assert other.declare_dead(lost) == []
    other.lease.beat(other.connection, in_flight=0, counts=other.tally.as_json())
    assert sums(*ANSWERS) == attempts()
    (row,) = Tally.objects.filter(relay_id=lost.lease.relay_id)
    assert sum(row.durations) == 4
    assert row.duration_seconds == pytest.approx(0.3, abs=0.05)


@pytest.mark.usefixtures("nested")
def test_what_a_dead_relay_is_still_writing_is_counted_once_it_is_written(
    hand_relay: Callable[..., HandRelay],
) -> None:
    """A commit may wait for a standby longer than the relay's lease lasts."""
    for _ in range(3):
        publish_one(RecipientFactory())
    lost, other = hand_relay(), hand_relay()
    claimed = lost.claim()
    lost.settle(sent(claimed[0]))
    lost.let_lease_run_out()
    with lost.connection.transaction():
        lost.settle(sent(claimed[1]))
        assert other.declare_dead(lost) == [lost.lease.relay_id]
        other.rescue(lost.lease.relay_id)
        other.count_departed()
        assert sums("sent") == {"sent": 0}
        assert other.lease.beat(other.connection, in_flight=0).is_count_left_over
    assert not lost.lease.beat(lost.connection, in_flight=0, counts=lost.tally.as_json()).is_known
    for _ in range(2):
        other.count_departed()
        assert sums(*ANSWERS) == attempts() == dict.fromkeys(ANSWERS, 0) | {"accepted": 2, "unknown": 1}
        assert not other.lease.beat(other.connection, in_flight=0).is_count_left_over


@pytest.mark.parametrize("came_through", [True, False])
def test_a_heartbeat_whose_answer_got_lost_is_counted_once(
    hand_relay: Callable[..., HandRelay], came_through: bool
) -> None:
    publish_one(RecipientFactory())
    relay = hand_relay()
    relay.settle(*map(sent, relay.claim()))
    if came_through:
        relay.lease.beat(relay.connection, in_flight=0, counts=relay.tally.as_json())
    tally.recount(relay.connection, relay_id=relay.lease.relay_id)
    tally.recount(relay.connection, relay_id=relay.lease.relay_id)
    assert sums("sent", "accepted") == {"sent": 1, "accepted": 1}


def test_a_connection_that_breaks_right_after_a_settle_has_it_counted_once(raw: Any) -> None:
    """What was written is counted while the next claim is made; a claim that fails has the relay count anew."""
    broken: list[int] = []

    def break_once(event: str, _: Mapping[str, object]) -> None:
        if event == "settle.made" and not broken:
            broken.append(raw.execute(END_RELAYS_SESSION).rowcount)
            wait_until(lambda: raw.execute(RELAYS_SESSION).rowcount == 0)  # so that the claim cannot even be sent

    for _ in range(20):
        publish_one(RecipientFactory())
    unsubscribe = telemetry.subscribe(break_once)
    try:
        drain(RecordingChannel())
    finally:
        unsubscribe()
    assert broken == [1]
    assert sums("sent", "accepted") == {"sent": 20, "accepted": 20}


def test_a_stale_settlement_in_the_batch_of_the_one_that_counts_is_not_counted(
    hand_relay: Callable[..., HandRelay], caplog: pytest.LogCaptureFixture
) -> None:
    """A relay taken for dead comes back, and claims again what it still has an old outcome of: its lane was locked."""
    publish_one(RecipientFactory())
    relay, other = hand_relay(), hand_relay()
    (old,) = relay.claim()
    relay.let_lease_run_out()
    other.declare_dead(relay)
    other.rescue(relay.lease.relay_id)
    relay.lease.take(relay.connection)
    (new,) = relay.claim()
    relay.settle(sent(old), sent(new))
    relay.lease.beat(relay.connection, in_flight=0, counts=relay.tally.as_json())
    assert sums(*ANSWERS) == attempts()
    assert sums("sent") == {"sent": 1}
    assert f"settle.stale message={old.id} claim=1" in caplog.text


def test_a_rescue_counts_the_attempt_that_it_writes(hand_relay: Callable[..., HandRelay]) -> None:
    publish_one(RecipientFactory())
    lost, other = hand_relay(), hand_relay()
    lost.claim()
    lost.let_lease_run_out()
    other.declare_dead(lost)
    assert other.rescue(lost.lease.relay_id) == 1
    assert sums(*ANSWERS) == attempts()
    assert sums("unknown") == {"unknown": 1}


def test_a_killed_relay_leaves_the_sums_exact(relay_process: Callable[..., RelayProcess]) -> None:
    for _ in range(120):
        publish_one(RecipientFactory())
    relay = relay_process("--concurrency", "4")
    wait_until(lambda: OutboxMessage.objects.filter(status="sent").count() >= 30)
    relay.signal(signal.SIGKILL)
    assert relay_process("--drain").wait(60)[0] == 0
    assert OutboxMessage.objects.filter(status="sent").count() == 120
    with running_loop(RecordingChannel()):  # if it held nothing, only a relay that stays finds that it is dead
        wait_until(lambda: sums(*ANSWERS) == attempts())
    assert sums("sent") == {"sent": 120}


def test_what_is_written_is_counted_by_the_next_heartbeat_whatever_is_in_flight() -> None:
    """Reports wait for the next settle. But if a relay is killed, what its last heartbeat preceded is counted anew."""
    recipient, may_end = RecipientFactory(), threading.Event()
    publish_one(recipient)
    second = publish_one(recipient)

    def answer(outgoing: Outgoing) -> Outcome:
        assert outgoing.message_id != second.pk or may_end.wait(20)
        return Accepted("yes")

    channel = RecordingChannel(answer=answer)
    with running_loop(channel):
        try:
            wait_until(lambda: len(channel.sent) == 2)
            wait_until(lambda: sums("sent") == {"sent": 1}, seconds=5)
        finally:
            may_end.set()


def test_folding_changes_no_sum_and_leaves_few_rows(raw: Any) -> None:
    hour = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=1)
    yesterday = (hour - timedelta(days=1)).replace(minute=30)
    minutes = (hour, yesterday, yesterday + timedelta(minutes=9), hour - timedelta(days=20), hour - timedelta(days=30))
    for minute in minutes:
        for relay_id in (1, 2, None, None):
            Tally.objects.create(
                minute=minute, channel="sms", relay_id=relay_id, sent=2, delays=[1] * (len(BOUNDS) + 1)
            )
    Tally.objects.create(minute=hour + timedelta(minutes=59), channel="sms", relay_id=1, sent=5)
    before = sums("sent")
    for _ in range(2):
        raw.execute(sql_tally.FOLD, {"days": tally.DAYS})
    assert sums("sent") == before
    folded = list(Tally.objects.filter(relay_id=0).order_by("minute"))
    assert [(row.minute.year, row.sent, row.delays[3]) for row in folded] == [
        (1970, 16, 8),
        (hour.year, 16, 8),
        (hour.year, 8, 4),
    ]
    assert folded[1].minute.minute % 10 == 0, "after two hours ten minutes make a row"
    assert folded[2].minute == hour
    assert Tally.objects.count() == 4, "the minute that may still be written to is left alone"


def test_one_relay_samples_each_minute(raw: Any) -> None:
    ahead = RecipientFactory()
    publish_one(ahead)
    publish_one(ahead)
    tally.keep_history(raw)
    publish_one(ahead)
    tally.keep_history(raw)
    first = Depth.objects.order_by("minute")[0]
    assert (first.queued, first.due, first.later, first.sending, first.failed) == (1, 1, 0, 0, 0)
    assert Depth.objects.count() <= 2, "two only when the minute has just turned"


def test_the_last_minute_is_the_last_sixty_seconds() -> None:
    now = datetime.now(UTC)

    def saw(sent: int, began: float, ended: float) -> None:
        Tally.objects.create(
            minute=now.replace(second=0, microsecond=0) - timedelta(minutes=1),
            channel="sms",
            sent=sent,
            counted_from=now - timedelta(seconds=began),
            counted_until=now - timedelta(seconds=ended),
        )

    saw(7, 50, 10)
    saw(100, 90, 70)
    assert overview.overview().channels["sms"]["sent_last_minute"] == 7
    saw(40, 80, 40)
    assert overview.overview().channels["sms"]["sent_last_minute"] == pytest.approx(27, abs=1)


def test_a_large_table_is_not_read_to_count_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(30):
        publish_one(RecipientFactory())
    drain(RecordingChannel())
    publish_one(RecipientFactory())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_outboxmessage")
    monkeypatch.setattr(overview, "MOST_COUNTED", 0)
    with connection.execute_wrapper(_without_sequential_scans):
        shown = overview.overview()
    assert shown.estimated == ["cancelled", "expired", "sent"]
    assert (shown.messages["pending"], shown.messages["failed"]) == (1, 0)
    assert 25 <= shown.messages["sent"] <= 31


def _without_sequential_scans(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    """On a table so small the planner prefers a sequential scan; forbidden, it stays only without an index."""
    with connections["default"].connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        if not sql.startswith("EXPLAIN"):
            plan = str(cursor.execute(f"EXPLAIN {sql}", params).fetchall())
            assert "Seq Scan on notifications_outboxmessage" not in plan, sql
        cursor.execute("RESET enable_seqscan")
    return execute(sql, params, many, context)


class TestHistogram:
    def test_quantiles(self) -> None:
        assert quantile([0] * 19, 0.5) is None
        counts = [0] * 19
        counts[bisect_left(BOUNDS, 0.2)] = 90
        counts[bisect_left(BOUNDS, 4)] = 10
        assert quantile(counts, 0.5) == pytest.approx(0.1 + 0.15 * 50 / 90)
        assert 2.5 < (quantile(counts, 0.95) or 0) <= 5
        assert quantile([0] * 18 + [3], 0.5) == BOUNDS[-1], "longer than is told apart"

    @pytest.mark.parametrize("seconds", [0.0, BOUNDS[3], BOUNDS[3] + 0.001, 0.3, 10.0**6])
    def test_the_database_sorts_a_duration_by_the_bound_that_it_does_not_exceed(
        self, hand_relay: Callable[..., HandRelay], seconds: float
    ) -> None:
        publish_one(RecipientFactory())
        relay = hand_relay()
        (claimed,) = relay.claim()
        relay.settle(Settlement(claimed, Status.SENT, 1, outcome=Accepted("yes"), began=-seconds, ended=0))
        tally.recount(relay.connection, relay_id=relay.lease.relay_id)
        assert Tally.objects.get().durations.index(1) == bisect_left(BOUNDS, seconds)
