"""Quantiles read from buckets: interpolated within one, and never beyond the last bound."""

import pytest

from notifications.protocol.histogram import BOUNDS, SIZE, quantile


def counted(**buckets: int) -> list[int]:
    counts = [0] * SIZE
    for name, count in buckets.items():
        counts[int(name.removeprefix("b"))] = count
    return counts


def test_there_is_a_bucket_for_each_bound_and_one_for_the_rest() -> None:
    assert len(BOUNDS) + 1 == SIZE
    assert list(BOUNDS) == sorted(BOUNDS)


def test_nothing_counted_has_no_quantile() -> None:
    assert quantile([0] * SIZE, 0.5) is None


@pytest.mark.parametrize(
    ("counts", "part", "seconds"),
    [
        (counted(b0=10), 0.5, BOUNDS[0] / 2),
        (counted(b0=10), 1.0, BOUNDS[0]),
        (counted(b2=4), 0.0, BOUNDS[1]),
        (counted(b2=4), 0.25, BOUNDS[1] + (BOUNDS[2] - BOUNDS[1]) / 4),
        (counted(b0=1, b8=1), 0.5, BOUNDS[0]),
        (counted(b0=1, b8=3), 1.0, BOUNDS[8]),
        (counted(b18=5), 0.5, BOUNDS[-1]),
    ],
)
def test_durations_are_spread_evenly_within_their_bucket(counts: list[int], part: float, seconds: float) -> None:
    assert quantile(counts, part) == pytest.approx(seconds)
