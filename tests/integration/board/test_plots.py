"""The board's plots: gaps stay gaps, and axes end at round numbers."""

from datetime import timedelta

import pytest

from notifications.board import plots
from notifications.board.figures import Stretch
from notifications.board.snapshot import Flow
from notifications.selectors.database_clock import database_now

pytestmark = pytest.mark.django_db(transaction=True)


class TestPlots:
    def test_a_gap_is_a_gap(self) -> None:
        now = database_now()
        known = {number: Flow(sent=number) for number in (0, 1, 3)}
        stretches = [Stretch(now + timedelta(minutes=at), known.get(at), None) for at in range(4)]
        (sent_and_failed, waiting, _) = plots.plots(stretches, per="minute")
        sent = sent_and_failed.series[0]
        assert sent.path.count("M") == 2
        assert sent.path.count("L") == 1
        assert "sent at most 3, now 3" in sent_and_failed.summary
        assert waiting.is_empty

    @pytest.mark.parametrize(("value", "top"), [(0, 1), (1, 1), (3, 5), (10, 10), (101, 200), (7_000, 10_000)])
    def test_the_axis_ends_at_a_round_number(self, value: float, top: float) -> None:
        assert plots._round_above(value) == top
