"""How long a lease lets sends begin: from the question on, less what a send may take; and never while cut off."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from notifications.relay.lease import LOCK_CLASS, Lease
from notifications.relay.maintainer import Maintainer
from notifications.relay.rescue import SETTLED_SESSION_SECONDS
from notifications.relay.session import Session
from notifications.relay.shutdown import Shutdown
from notifications.relay.tally import Tally
from notifications.relay.wake import Wake
from tests.stage.relay import HandRelay, RecordingChannel, a_loop
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_lease_counts_from_the_question_and_ends_a_sends_length_early(hand_relay: Callable[..., HandRelay]) -> None:
    relay = hand_relay(lease_seconds=20.0)
    lease, relay_id = relay.lease, relay.lease.relay_id
    lease.margin = 5.0
    moments = iter([100.0])
    lease.clock = lambda: next(moments, 108.0)  # the answer takes eight seconds
    lease.beat(relay.connection, in_flight=0)
    for moment, allowed in ((114.9, True), (115.1, False)):
        lease.clock = lambda moment=moment: moment
        assert lease.allows_a_send(relay_id) == allowed


def test_a_relay_begins_no_send_that_could_outlive_its_lease() -> None:
    assert a_loop(RecordingChannel(), lease=20.0, send_timeout=7.0)._lease.margin == 7.0


def test_a_new_lease_counts_from_the_question_too(hand_relay: Callable[..., HandRelay]) -> None:
    relay = hand_relay(lease_seconds=20.0)
    lease = relay.lease
    lease.margin = 5.0
    moments = iter([100.0])
    lease.clock = lambda: next(moments, 108.0)
    lease.take(relay.connection)
    for moment, allowed in ((114.9, True), (115.1, False)):
        lease.clock = lambda moment=moment: moment
        assert lease.allows_a_send(lease.relay_id) == allowed


def test_in_lease_mode_a_free_lock_proves_nothing(hand_relay: Callable[..., HandRelay]) -> None:
    """Behind a proxy that pools transactions no relay holds its lock: each one is free."""
    alive, other = hand_relay(), hand_relay()
    other.lease.holds_lock = False
    alive.connection.execute("UPDATE notifications_relay SET heartbeat_at = heartbeat_at - interval '5 seconds'")
    alive.connection.execute("SELECT pg_advisory_unlock_all()")
    heartbeat = other.lease.beat(other.connection, in_flight=0)
    assert heartbeat.suspects == [alive.lease.relay_id]
    Maintainer(other.lease).maintain(
        other.connection, heartbeat, session_seconds=10 * SETTLED_SESSION_SECONDS, in_hand=[]
    )
    assert alive.lease.beat(alive.connection, in_flight=0).is_known


def test_in_lease_mode_no_lock_is_taken(hand_relay: Callable[..., HandRelay]) -> None:
    """A session of a proxy's pool would keep it, and hand it to somebody else."""
    relay = hand_relay()
    lease = Lease(seconds=20.0, margin=0.0, concurrency=1, holds_lock=False)
    relay.connection.execute("SELECT pg_advisory_unlock_all()")
    lease.take(relay.connection)
    lease.beat(relay.connection, in_flight=0)
    held = relay.connection.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    )
    assert held.fetchone() == (0,)


def test_a_relay_holds_its_lock_from_its_registration_on(hand_relay: Callable[..., HandRelay]) -> None:
    relay, other = hand_relay(), hand_relay()
    locked = "SELECT pg_try_advisory_lock(%s, %s)"
    assert other.connection.execute(locked, [LOCK_CLASS, relay.lease.relay_id]).fetchone() == (False,)


def test_between_heartbeats_the_databases_time_goes_on(hand_relay: Callable[..., HandRelay]) -> None:
    relay = hand_relay()
    relay.lease.clock = lambda: 100.0
    moment = relay.lease.beat(relay.connection, in_flight=0).moment
    relay.lease.clock = lambda: 100.5
    assert relay.lease.database_now() == moment + timedelta(seconds=0.5)


def test_while_it_reconnects_a_relay_begins_no_send_and_then_takes_its_lock_back(
    hand_relay: Callable[..., HandRelay], monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = hand_relay()
    lease = relay.lease
    shutdown = Shutdown(grace=0.0, is_draining=False, wake=Wake())
    session = Session("default", lease, tally=Tally(), shutdown=shutdown)
    session.connection = relay.connection
    session.beat(in_flight=0)
    assert lease.allows_a_send(lease.relay_id)
    assert session.seconds_to_beat > 0
    relay.connection.close()
    session.recover(psycopg.OperationalError("gone"))
    assert not lease.allows_a_send(lease.relay_id)
    assert session.seconds_to_beat <= 0, "first thing"
    session.beat(in_flight=0)
    assert lease.allows_a_send(lease.relay_id)
    wait_until(lambda: session.beat(in_flight=0).is_known and lease.is_alone(session.connection))
    held = session.connection.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    )
    assert held.fetchone() == (1,)
    session.connection.close()


@pytest.mark.parametrize("state", [psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.ObjectNotInPrerequisiteState])
def test_a_connection_to_a_server_that_can_only_be_read_is_given_up(
    state: type[psycopg.Error], hand_relay: Callable[..., HandRelay]
) -> None:
    """After a failover behind one address the old server goes on answering: a new connection finds the new one."""
    relay = hand_relay()
    shutdown = Shutdown(grace=0.0, is_draining=False, wake=Wake())
    session = Session("default", relay.lease, tally=Tally(), shutdown=shutdown)
    session.connection = relay.connection
    session.recover(state())
    assert relay.connection.closed
    assert not relay.lease.allows_a_send(relay.lease.relay_id)
    assert session.beat(in_flight=0).is_known
    session.connection.close()


def test_a_connection_that_survived_its_error_is_kept(hand_relay: Callable[..., HandRelay]) -> None:
    relay = hand_relay()
    session = Session(
        "default", relay.lease, tally=Tally(), shutdown=Shutdown(grace=0.0, is_draining=False, wake=Wake())
    )
    session.connection = relay.connection
    session.recover(psycopg.errors.DeadlockDetected())
    assert session.connection is relay.connection
    assert relay.lease.allows_a_send(relay.lease.relay_id), "its lease holds, and so does its lock"


@pytest.mark.parametrize(("seconds", "prompt"), [(0.0, False), (SETTLED_SESSION_SECONDS, True)])
def test_a_young_session_declares_nobody_dead_by_a_free_lock(
    seconds: float, prompt: bool, hand_relay: Callable[..., HandRelay], monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, heir = hand_relay(), hand_relay()
    dead.connection.execute("UPDATE notifications_relay SET heartbeat_at = heartbeat_at - interval '5 seconds'")
    dead.connection.execute("SELECT pg_advisory_unlock_all()")
    heartbeat = heir.lease.beat(heir.connection, in_flight=0)
    assert heartbeat.suspects == [dead.lease.relay_id]
    Maintainer(heir.lease).maintain(heir.connection, heartbeat, session_seconds=seconds, in_hand=[])
    is_known: Any = dead.lease.beat(dead.connection, in_flight=0).is_known
    assert is_known is not prompt
