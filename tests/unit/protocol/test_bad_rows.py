"""A job on many rows at once: which rows are at fault, and that none is while the database is away."""

from collections.abc import Sequence

import psycopg
import pytest

from notifications.protocol.bad_rows import work_on_all


def test_bad_rows_are_named_and_the_others_are_done() -> None:
    def work(ids: Sequence[int]) -> int:
        if {2, 4} & {*ids}:
            raise ValueError
        return len(ids)

    assert work_on_all("job", [1, 2, 3, 4], work) == (2, [2, 4])


@pytest.mark.parametrize("ids", [[1], [1, 2]])
def test_while_the_database_is_away_no_row_is_at_fault(ids: list[int]) -> None:
    def work(_: Sequence[int]) -> int:
        raise psycopg.OperationalError

    with pytest.raises(psycopg.OperationalError):
        work_on_all("job", ids, work)
