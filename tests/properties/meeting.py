"""Two moves meet in one lane; what must be true of it afterwards, whoever went first."""

from collections import Counter
from collections.abc import Iterable, Sequence

from django.db import connection

from notifications.lifecycle import Status
from notifications.models import OutboxMessage
from notifications.selectors.database_clock import database_now
from tests.properties import snapshot
from tests.properties.invariants import offences
from tests.properties.moves import Move, play, take_over
from tests.properties.scene import Plot, set_the_scene, settle_all
from tests.properties.snapshot import Snapshot
from tests.properties.turns import Turn, interleave
from tests.stage.emptying import EMPTY
from tests.stage.relay import RUN_OUT, HandRelay

MAX_ATTEMPTS = 3


class Meetings:
    """Has moves meet, each time in an empty outbox, with the same few relays under new numbers."""

    def __init__(self, relays: Sequence[HandRelay]) -> None:
        self._relays = relays

    def hold(self, moves: Sequence[Move], plot: Plot, *, commits: Sequence[bool], order: Iterable[bool]) -> list[Turn]:
        """The two make their moves, statement by statement, in this `order`; then everything is judged."""
        _execute(EMPTY)
        for relay in self._relays:
            relay.lease.take(relay.connection)
        holder, last, *others = self._relays
        lane = set_the_scene(plot, holder)
        before = _checked(None)
        both = [
            Turn(move, commits=commit, play=play(move, lane, other=other, commits=commit))
            for move, commit, other in zip(moves, commits, others, strict=True)
        ]
        ended = interleave(*both, order)
        now = _checked(before)
        for turn, other in (both, reversed(both)):
            assert not turn.has_waited or turn.move.may_wait_for(other.move), f"to {turn.move.value} waits for nobody"
        _assert_done_as_told(ended, before, now)
        _assert_all_goes_out(now, last)
        return both


def _assert_done_as_told(ended: list[Turn], before: Snapshot, now: Snapshot) -> None:
    """What was committed is there, in the order of the commits; what was rolled back is not (G1, G4)."""

    def told(*moves: Move) -> list[int]:
        return [message for turn in ended if turn.commits and turn.move in moves for message in turn.result]

    published = told(Move.PUBLISH, Move.PUBLISH_ONCE)
    assert published == sorted(published), "ids follow commits"
    assert now.messages.keys() - before.messages.keys() == set(published)
    may_use_key = any(turn.commits and turn.move is Move.PUBLISH_ONCE for turn in ended)
    assert len(told(Move.PUBLISH_ONCE)) == may_use_key, "a key is used once"
    assert sorted(told(Move.CANCEL)) == sorted(now.with_status("cancelled") - before.with_status("cancelled"))
    claimed = told(Move.CLAIM, Move.CLAIM_METERED)
    assert len(claimed) == len(set(claimed)), "no two claim the same"
    assert now.replays == before.replays + Counter(told(Move.REPLAY)), "who replayed what is on record"


def _assert_all_goes_out(now: Snapshot, last: HandRelay) -> None:
    """All relays but one are gone. It takes over, and sends everything, in order but for what was replayed (G3, G4)."""
    OutboxMessage.objects.filter(status="pending").update(next_attempt_at=database_now())
    _execute(RUN_OUT, list(now.relays))
    take_over(last)
    sent: list[int] = []
    while claimed := settle_all(last, Status.SENT):
        sent += claimed
        now = _checked(now)
    assert [row for row in now.messages.values() if not row.is_terminal] == []
    in_order = [message for message in sent if not now.replays[message]]
    assert in_order == sorted(in_order)


def _checked(before: Snapshot | None) -> Snapshot:
    now = snapshot.take()
    assert offences(now, before=before, max_attempts=MAX_ATTEMPTS) == []
    return now


def _execute(statement: str, *parameters: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
