"""Adds up the overviews of several databases, or shards, to one in the same shape."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from notifications.selectors.overview import Overview

WORST_FIRST = ("broken", "paused", "open")


def summed(by_database: Mapping[str, Overview]) -> Overview:
    """Numbers are sums, a time is the longest, a channel's state the worst. Each relay says its `database`; the clock
    is the one that has been silent the longest.
    """
    every = list(by_database.values())
    waits = [one.oldest_due_seconds for one in every if one.oldest_due_seconds is not None]
    return Overview(
        messages=_sums([one.messages for one in every]),
        oldest_due_seconds=max(waits, default=None),
        lanes=_sums([one.lanes for one in every]),
        relays=[relay | {"database": name} for name, one in by_database.items() for relay in one.relays],
        channels={name: _worst([one.channels[name] for one in every]) for name in every[0].channels},
        estimated=list(dict.fromkeys(status for one in every for status in one.estimated)),
        clock=min((one.clock for one in every), key=_last_run),
    )


def _sums(several: list[dict[str, int]]) -> dict[str, int]:
    return {name: sum(each.get(name, 0) for each in several) for name in several[0]}


def _worst(states: list[dict[str, Any]]) -> dict[str, Any]:
    numbers = {name: sum(state[name] for state in states) for name in ("sent_last_minute", "failed_last_minute")}
    return {"state": min((state["state"] for state in states), key=WORST_FIRST.index), **numbers}


def _last_run(clock: dict[str, dict[str, Any]]) -> datetime:
    return max(
        (job["started_at"] for job in clock.values() if job["started_at"]), default=datetime.min.replace(tzinfo=UTC)
    )
