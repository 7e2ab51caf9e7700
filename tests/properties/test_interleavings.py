"""G1, G3–G5 where two meet: two transactions on one lane, statement by statement, in every order that hypothesis draws.

Neither is only simulated: each has a connection and a thread of its own, and stops at a barrier before every statement
and before its commit; who goes on is drawn, and who waits for a lock is seen in pg_stat_activity. Afterwards the
invariants must hold, and everything that is left must go out.

    PROPERTY_EXAMPLES=2000 .venv/bin/python -m pytest tests/properties/test_interleavings.py
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from notifications.clock import database_now
from notifications.lifecycle import Accepted, Permanent, Status
from notifications.models import OutboxMessage, Relay
from notifications.relay import rescue
from notifications.relay.parcels import Settlement
from tests.factories.notifications import RecipientFactory, publish_one
from tests.properties import snapshot
from tests.properties.effort import TIMEOUT, effort
from tests.properties.invariants import offences
from tests.properties.moves import Move, Scene, play
from tests.properties.snapshot import Snapshot
from tests.properties.turns import Turn, interleave
from tests.stage.emptying import EMPTY
from tests.stage.relay import HandRelay

MAX_ATTEMPTS = 3
PUBLISHING = (Move.PUBLISH, Move.PUBLISH_ONCE)

pairs = st.tuples(st.sampled_from(Move), st.sampled_from(Move)).filter(
    lambda pair: not (pair[0].is_holders and pair[1].is_holders)  # a relay does one thing at a time
)
mostly = st.sampled_from([True, True, False])
scenes = st.fixed_dictionaries(
    {
        "has_failed": st.booleans(),
        "head": st.sampled_from(["held", "held by the dead", "due", "not due", "none"]),
        "waiting": st.integers(0, 2),
    }
)


def settle_all(relay: HandRelay, status: Status) -> list[int]:
    """Claim all that is due, and settle it; returns the ids."""
    answer = Accepted("yes") if status is Status.SENT else Permanent("no")
    claimed = relay.claim()
    relay.settle(*(Settlement(each, status, each.attempts + 1, None, answer, began=0, ended=0) for each in claimed))
    return [message.id for message in claimed]


def set_the_scene(holder: HandRelay, *, has_failed: bool, head: str, waiting: int) -> Scene:
    who = RecipientFactory()
    if has_failed:
        publish_one(who)
    failed = settle_all(holder, Status.FAILED)
    ids = [publish_one(who).pk for _ in range(waiting + 1)] if head != "none" else []
    if head == "not due":
        OutboxMessage.objects.filter(pk=ids[0]).update(next_attempt_at=database_now() + timedelta(hours=1))
    held = holder.claim() if head.startswith("held") else []
    if head == "held by the dead":
        holder.let_lease_run_out()
    return Scene(who, holder, ids, failed, held)


@contextmanager
def relays(number: int) -> Iterator[list[HandRelay]]:
    with ExitStack() as stack:
        yield [stack.enter_context(closing(HandRelay())) for _ in range(number)]


def checked(before: Snapshot | None) -> Snapshot:
    now = snapshot.take()
    assert offences(now, before=before, max_attempts=MAX_ATTEMPTS) == []
    return now


@pytest.mark.timeout(TIMEOUT)
@effort(180)
@given(
    moves=pairs,
    scene=scenes,
    commits=st.tuples(mostly, mostly),
    order=st.lists(st.booleans(), max_size=14),
)
def test_two_meet_in_one_lane(
    transactional_db: None, moves: tuple[Move, Move], scene: Any, commits: tuple[bool, bool], order: list[bool]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(EMPTY)
    with relays(3) as (holder, *others):
        lane = set_the_scene(holder, **scene)
        before = checked(None)
        both = [
            Turn(move, commits=commit, play=play(move, lane, other=other, commits=commit))
            for move, other, commit in zip(moves, others, commits, strict=True)
        ]
        ended = interleave(*both, order)
        now = checked(before)
        assert_nobody_waited_in_vain(both)
        assert_done_as_told(ended, before, now)
    assert_all_goes_out(now)


def assert_nobody_waited_in_vain(both: list[Turn]) -> None:
    """A relay waits for no publisher's transaction, nor for one of staff's that is on a lane (G7)."""
    for turn, other in (both, reversed(both)):
        if turn.move.is_relays and not other.move.is_relays and other.move is not Move.PAUSE:
            assert not turn.has_waited


def assert_done_as_told(ended: list[Turn], before: Snapshot, now: Snapshot) -> None:
    """What was committed is there, in the order of the commits; what was rolled back is not (G1, G4)."""
    committed = [turn for turn in ended if turn.commits]
    published = [message for turn in committed if turn.move in PUBLISHING for message in turn.result]
    assert published == sorted(published), "ids follow commits"
    assert now.messages.keys() - before.messages.keys() == set(published)
    once = [turn for turn in committed if turn.move is Move.PUBLISH_ONCE]
    assert sum(len(turn.result) for turn in once) == bool(once), "a key is used once"
    for move, done in ((Move.CANCEL, now.with_status("cancelled")), (Move.CLAIM, now.with_status("sending"))):
        told = [message for turn in committed if turn.move is move for message in turn.result]
        assert len(told) == len(set(told)), f"no two {move.value} the same"
        assert move is Move.CLAIM or set(told) >= done
    replayed = Counter(message for turn in committed if turn.move is Move.REPLAY for message in turn.result)
    assert now.replays == before.replays + replayed


def assert_all_goes_out(now: Snapshot) -> None:
    """The relays are gone. Another takes over, and everything is sent, in order but for what was replayed (G3, G4)."""
    OutboxMessage.objects.filter(status="pending").update(next_attempt_at=database_now())
    Relay.objects.update(lease_until=database_now() - timedelta(seconds=1))
    sent: list[int] = []
    with relays(1) as (last,):
        last.rescue(*rescue.bury(last.connection, sorted(now.relays), prompt=False))
        while claimed := settle_all(last, Status.SENT):
            sent += claimed
            now = checked(now)
    assert not [row for row in now.messages.values() if not row.is_terminal]
    in_order = [message for message in sent if not now.replays[message]]
    assert in_order == sorted(in_order)
