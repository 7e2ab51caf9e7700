"""Durations counted in buckets. Buckets of several minutes and relays can be added up, and quantiles read from the sum.

Bucket i counts durations of at most BOUNDS[i] seconds and longer than the bound before; the last counts the rest.
"""

from collections.abc import Sequence

BOUNDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43200)  # seconds
SIZE = len(BOUNDS) + 1


def quantile(counts: Sequence[int], part: float) -> float | None:
    """The duration that `part` (0 to 1) of those counted do not exceed, in seconds; None when nothing was counted.

    Durations are taken to be spread evenly within a bucket; those beyond the last bound count as that bound.
    """
    total = sum(counts)
    if not total:
        return None
    rank, below, lower = part * total, 0, 0.0
    for bound, count in zip(BOUNDS, counts, strict=False):
        if count and below + count >= rank:
            return lower + (bound - lower) * max(rank - below, 0) / count
        below, lower = below + count, bound
    return lower
