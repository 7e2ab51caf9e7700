"""The report of usage: messages, segments and cost by month, kind, channel and country, added up from counters.

Its cost depends on how many months, kinds and countries there are, and not on how many messages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import DEFAULT_DB_ALIAS

from notifications.protocol.histogram import quantile
from notifications.protocol.run_sql import fetch_all
from notifications.protocol.sql_tally import summed

GROUPS = ("month", "kind", "channel", "country")
COUNTS = ("sent", "failed", "delivered", "undelivered", "priced", "segments", "opt_outs")
MOST_LINES = 50_000

# Where there are many lines, and few are wanted: first which, and then the sums of these alone.
_FOUND = """
WITH found AS (
    SELECT DISTINCT {groups} FROM notifications_usage WHERE {conditions} ORDER BY {order} LIMIT {most}
)
"""
_OF_FOUND = "JOIN found USING ({groups})"
_LINES = """
SELECT {groups}, {sums}, {histograms} FROM notifications_usage {of_found}
WHERE {conditions} GROUP BY {groups} ORDER BY {order} LIMIT {most}
"""
_COSTS = """
SELECT {groups}, currency, sum(cost) FROM notifications_usage {of_found}
WHERE {conditions} AND currency <> '' GROUP BY {groups}, currency
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which usage: from the month `since` to the month `until`, both included (their first days, UTC)."""

    since: date
    until: date
    by: Sequence[str] = ("month", "channel")
    kind: str = ""
    channel: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the report. `group` has a value for each word of `Wanted.by`; `cost` is by currency.

    `sent` are messages; `delivered`, `undelivered` and `priced` are copies that the provider accepted, of which a
    message may have two. The times are medians in seconds: from publication to acceptance, and from acceptance to
    delivery, of what a callback told. None: nothing is known.
    """

    group: Mapping[str, Any]
    counts: Mapping[str, int]
    cost: Mapping[str, Decimal] = field(default_factory=dict)
    seconds_to_acceptance: float | None = None
    seconds_to_delivery: float | None = None

    @property
    def delivery_rate(self) -> float | None:
        """The part of what was sent that is known to have arrived; None where nothing was told of any."""
        told = self.counts["delivered"] + self.counts["undelivered"]
        return self.counts["delivered"] / max(self.counts["sent"], told) if told else None


def usage_report(wanted: Wanted, *, most: int = MOST_LINES, using: str = DEFAULT_DB_ALIAS) -> list[Line]:
    """At most `most` lines, the latest month first. Raises ValueError for a group that there is not."""
    if (unknown := set(wanted.by) - set(GROUPS)) or not wanted.by:
        raise ValueError(f"Usage is told by {', '.join(GROUPS)}; not by {', '.join(sorted(unknown)) or 'nothing'}.")
    by = [name for name in GROUPS if name in wanted.by]
    words = {name: value for name in GROUPS[1:] if (value := getattr(wanted, name))}
    parts = {
        "groups": ", ".join(by),
        "order": ", ".join("month DESC" if name == "month" else name for name in by),
        "sums": ", ".join(f"sum({name})::bigint" for name in COUNTS),
        "histograms": summed((), ("delays", "deliveries")),
        "conditions": " AND ".join(["month BETWEEN %(since)s AND %(until)s", *(f"{n} = %({n})s" for n in words)]),
        "most": most,
    }
    is_cut = most < MOST_LINES and {"kind", "country"} & set(by)
    found, parts["of_found"] = (_FOUND, _OF_FOUND.format(**parts)) if is_cut else ("", "")
    costs_of, lines_of = ((found + statement).format(**parts) for statement in (_COSTS, _LINES))
    bound = {"since": wanted.since, "until": wanted.until, **words}
    costs: dict[tuple[Any, ...], dict[str, Decimal]] = {}
    for *group, currency, cost in fetch_all(costs_of, bound, using=using):
        costs.setdefault(tuple(group), {})[currency] = cost
    return [_line(row, by, costs) for row in fetch_all(lines_of, bound, using=using)]


def _line(row: tuple[Any, ...], by: Sequence[str], costs: Mapping[tuple[Any, ...], dict[str, Decimal]]) -> Line:
    group, counts = row[: len(by)], row[len(by) : -2]
    return Line(
        dict(zip(by, group, strict=True)),
        dict(zip(COUNTS, counts, strict=True)),
        costs.get(group, {}),
        seconds_to_acceptance=quantile(row[-2], 0.5),
        seconds_to_delivery=quantile(row[-1], 0.5),
    )
