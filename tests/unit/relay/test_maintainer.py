"""What a heartbeat's findings lead to, and what they do not."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from notifications.relay import maintainer
from notifications.relay.lease import Heartbeat, Lease
from notifications.relay.maintainer import Maintainer
from notifications.relay.messages import Claim
from notifications.relay.tally import SAMPLE_SECONDS

CONNECTION: Any = object()
ANOTHER: Any = object()
CLAIMS: Any = [(4, 1), (5, 2)]


class Work:
    """What the maintainer had done, and the moment by its clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[tuple[str, Any]] = []
        self.now = 100.0
        self.dead: list[int] = []
        for name in ("rescue", "count_departed", "keep_history", "return_unanswered_claims"):
            monkeypatch.setattr(maintainer, name, lambda *given, name=name, **words: self._note(name, given, words))
        monkeypatch.setattr(maintainer, "declare_dead", lambda *_, **__: self.dead)
        lease = Lease(seconds=20.0, margin=0.0, concurrency=1, holds_lock=True)
        self.maintainer = Maintainer(lease, clock=lambda: self.now)

    def _note(self, name: str, given: Sequence[Any], words: dict[str, Any]) -> None:
        self.done.append((name, given[1] if len(given) > 1 else words.get("in_hand")))

    def maintain(self, connection: Any = CONNECTION, *, in_hand: Sequence[Claim] = (), **found: Any) -> bool:
        self.done.clear()
        nothing = {"is_known": True, "suspects": [], "departed": [], "channels": {}, "is_something_due": False}
        nothing |= {"is_count_left_over": False}
        heartbeat = Heartbeat(**nothing | {"command": "", "held": 0, "moment": datetime.now(UTC)} | found)
        return self.maintainer.maintain(connection, heartbeat, session_seconds=60.0, in_hand=in_hand)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    work = Work(monkeypatch)
    work.maintain()
    return work


def test_history_is_kept_from_the_first_heartbeat_on(work: Work) -> None:
    assert work.done == [("keep_history", None)]


def test_it_is_kept_every_ten_seconds(work: Work) -> None:
    work.now += SAMPLE_SECONDS - 0.1
    assert (work.maintain(), work.done) == (False, [])
    work.now += 0.1
    assert (work.maintain(), work.done) == (False, [("keep_history", None)])
    assert (work.maintain(), work.done) == (False, [])


def test_what_departed_and_dead_relays_held_is_rescued_and_may_be_due(work: Work) -> None:
    work.dead = [8]
    assert work.maintain(departed=[7])
    assert work.done == [("rescue", [7]), ("count_departed", None)]
    assert work.maintain(departed=[7], suspects=[8, 9])
    assert work.done == [("rescue", [7, 8]), ("count_departed", None)]


def test_what_departed_relays_did_is_counted_until_nothing_is_left_over(work: Work) -> None:
    assert (work.maintain(is_count_left_over=True), work.done) == (False, [("count_departed", None)])


def test_suspects_that_live_are_left_alone(work: Work) -> None:
    assert (work.maintain(suspects=[8, 9]), work.done) == (False, [])


@pytest.mark.parametrize(("held", "is_returned"), [(1, False), (2, False), (3, True)])
def test_what_is_held_beyond_what_is_in_hand_is_returned(work: Work, held: int, is_returned: bool) -> None:
    work.maintain(held=held, in_hand=CLAIMS)
    assert work.done == ([("return_unanswered_claims", CLAIMS)] if is_returned else [])


def test_in_a_new_session_it_is_looked_for_though_the_numbers_agree(work: Work) -> None:
    """A claim whose reply was lost and a settle that was written may make up for each other."""
    work.maintain(ANOTHER, held=2, in_hand=CLAIMS)
    assert work.done == [("return_unanswered_claims", CLAIMS)]
    work.maintain(ANOTHER, held=2, in_hand=CLAIMS)
    assert work.done == []
    work.maintain(CONNECTION, held=0, in_hand=CLAIMS)
    assert work.done == []
