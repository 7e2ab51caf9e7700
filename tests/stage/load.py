"""Calls that come at a steady rate, whether or not earlier ones have been answered, as customers do.

Each is timed from the moment it was due: a server that falls behind cannot hide it by being asked more slowly.
"""

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

AT_ONCE = 32  # calls under way; more would be waiting for the server anyway


def at_rate(calls: Sequence[Callable[[], Any]], *, per_second: float) -> list[float]:
    """Make the calls, `per_second` of them a second; the seconds from when each was due to its answer."""
    began = time.perf_counter() + 0.1

    def timed(number: int) -> float:
        due = began + number / per_second
        time.sleep(max(0.0, due - time.perf_counter()))
        calls[number]()
        return time.perf_counter() - due

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(timed, range(len(calls))))


def all_at_once(calls: Sequence[Callable[[], Any]]) -> float:
    """Make the calls as fast as they are answered; the seconds from the first to the last answer."""
    began = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for answered in [pool.submit(call) for call in calls]:
            answered.result()
    return time.perf_counter() - began


def percentile(seconds: Sequence[float], share: float) -> float:
    """The smallest of `seconds` that at least `share` of them do not exceed."""
    return sorted(seconds)[math.ceil(share * len(seconds)) - 1]
