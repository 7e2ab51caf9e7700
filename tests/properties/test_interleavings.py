"""G1, G3–G5, G11 where two meet: two transactions on one lane, statement by statement, in every order.

Neither is only simulated: each has a connection and a thread of its own, and stops at a barrier before every statement
and before its commit; who waits for a lock is seen in pg_stat_activity. The races that are known are run through at
every point; hypothesis draws further pairs, lanes and orders. Afterwards the invariants must hold, and everything that
is left must go out.

    PROPERTY_EXAMPLES=2000 make test ARGS="tests/properties/test_interleavings.py"
"""

from collections.abc import Callable, Iterator
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories.notifications import GREETING, registered
from tests.properties.effort import TIMEOUT, effort
from tests.properties.meeting import Meetings
from tests.properties.moves import Move
from tests.properties.scene import Head, Plot
from tests.stage.relay import HandRelay

pytestmark = pytest.mark.timeout(TIMEOUT)

TO_THE_END = [False] * 20  # the second's turns, until it has ended or waits

RACES = [
    (Move.PUBLISH, Move.PUBLISH, Plot(Head.NONE)),
    (Move.PUBLISH, Move.PUBLISH, Plot(Head.HELD)),
    (Move.PUBLISH_ONCE, Move.PUBLISH_ONCE, Plot(Head.HELD)),
    (Move.PUBLISH, Move.SEND, Plot(Head.HELD)),
    (Move.SEND, Move.PUBLISH, Plot(Head.HELD)),
    (Move.PUBLISH, Move.CANCEL, Plot(Head.DUE)),
    (Move.CANCEL, Move.PUBLISH, Plot(Head.DUE)),
    (Move.CANCEL, Move.CLAIM, Plot(Head.DUE, waiting=1)),
    (Move.CLAIM, Move.CANCEL, Plot(Head.DUE, waiting=1)),
    (Move.CLAIM, Move.CLAIM, Plot(Head.DUE, waiting=1)),
    (Move.CLAIM_METERED, Move.PAUSE, Plot(Head.DUE)),
    (Move.SEND, Move.CANCEL, Plot(Head.HELD, waiting=1)),
    (Move.CANCEL, Move.SEND, Plot(Head.HELD, waiting=1)),
    (Move.SEND, Move.REPLAY, Plot(Head.HELD, has_failed=True)),
    (Move.REPLAY, Move.SEND, Plot(Head.HELD, has_failed=True)),
    (Move.REPLAY, Move.REPLAY, Plot(Head.NONE, has_failed=True)),
    (Move.REPLAY, Move.PRUNE, Plot(Head.NONE, has_failed=True)),
    (Move.PRUNE, Move.REPLAY, Plot(Head.NONE, has_failed=True)),
    (Move.SEND, Move.RESCUE, Plot(Head.HELD_BY_THE_DEAD, waiting=1)),
    (Move.RESCUE, Move.SEND, Plot(Head.HELD_BY_THE_DEAD, waiting=1)),
    (Move.RESCUE, Move.RETRY, Plot(Head.LEFT_BEHIND)),
    (Move.RESCUE, Move.MOVE_ON, Plot(Head.LEFT_BEHIND)),
    (Move.RESCUE, Move.RESCUE, Plot(Head.LEFT_BEHIND)),
    (Move.RESCUE, Move.BEAT, Plot(Head.HELD_BY_THE_DEAD)),
    (Move.BEAT, Move.RESCUE, Plot(Head.HELD_BY_THE_DEAD)),
]

frequent = [Move.PUBLISH, Move.SEND, Move.REPLAY, Move.CANCEL, Move.CLAIM, Move.RESCUE]
moves = st.sampled_from([*Move, *frequent])
pairs = st.tuples(moves, moves).filter(lambda pair: not (pair[0].is_holders and pair[1].is_holders))
plots = st.builds(Plot, st.sampled_from(Head), st.integers(0, 2), st.booleans())
orders = st.lists(st.booleans(), max_size=14) | st.integers(0, 6).map(lambda turns: [True] * turns + TO_THE_END)
mostly = st.sampled_from([True, True, False])


@pytest.fixture
def meetings(hand_relay: Callable[[], HandRelay]) -> Iterator[Meetings]:
    with registered(GREETING):
        yield Meetings([hand_relay() for _ in range(4)])


def name_of(value: Move | Plot) -> str:
    return value.name.lower() if isinstance(value, Move) else value.head.name.lower()


@pytest.mark.parametrize(("first", "second", "plot"), RACES, ids=name_of)
def test_a_race_is_harmless_wherever_the_first_is_overtaken(
    meetings: Meetings, first: Move, second: Move, plot: Plot
) -> None:
    for turns in count():
        overtaken, _ = meetings.hold((first, second), plot, commits=(True, True), order=[True] * turns + TO_THE_END)
        if overtaken.stops <= turns:
            break


@effort(130)
@given(pair=pairs, plot=plots, commits=st.tuples(mostly, mostly), order=orders)
def test_two_meet_in_any_order(
    meetings: Meetings, pair: tuple[Move, Move], plot: Plot, commits: tuple[bool, bool], order: list[bool]
) -> None:
    meetings.hold(pair, plot, commits=commits, order=order)
