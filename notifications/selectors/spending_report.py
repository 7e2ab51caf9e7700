"""What messages cost, by day or month, channel, route and country, added up from counters; and what is spent today.

The report's cost depends on how many days, routes and countries there are, and not on how many messages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import DEFAULT_DB_ALIAS

from notifications.channels.spend_caps import spend_caps
from notifications.policy.spending import Spent, against
from notifications.protocol.run_sql import fetch_all
from notifications.protocol.sql_spending import TAKEN_TODAY

GROUPS = ("day", "month", "channel", "route", "country")
TEXTS = ("channel", "route", "country")
MOST_LINES = 50_000
_EXPRESSIONS = {"month": "date_trunc('month', day)::date"}

_LINES = """
SELECT {groups}, currency, sum(priced)::bigint, sum(cost), sum(estimates)::bigint, sum(estimated)
FROM notifications_spending WHERE {conditions}
GROUP BY {places}, currency ORDER BY {order}, currency LIMIT {most}
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which costs: from the month `since` to the month `until`, both included (their first days, UTC)."""

    since: date
    until: date
    by: Sequence[str] = ("month", "channel", "route")
    channel: str = ""
    route: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line, of one currency. `group` has a value for each word of `Wanted.by`.

    `cost` is what providers told, of `priced` copies; `estimated` what the `estimates` others cost by their routes'
    prices.
    """

    group: Mapping[str, Any]
    currency: str
    priced: int
    cost: Decimal
    estimates: int
    estimated: Decimal

    @property
    def total(self) -> Decimal:
        return self.cost + self.estimated


def spending_report(wanted: Wanted, *, most: int = MOST_LINES, using: str = DEFAULT_DB_ALIAS) -> list[Line]:
    """At most `most` lines, the latest first. Raises ValueError for a group that there is not."""
    if (unknown := set(wanted.by) - set(GROUPS)) or not wanted.by:
        raise ValueError(f"Money is told by {', '.join(GROUPS)}; not by {', '.join(sorted(unknown)) or 'nothing'}.")
    by = [name for name in GROUPS if name in wanted.by]
    words = {name: value for name in TEXTS if (value := getattr(wanted, name))}
    months = "date_trunc('month', day)::date BETWEEN %(since)s AND %(until)s"
    statement = _LINES.format(
        groups=", ".join(_EXPRESSIONS.get(name, name) for name in by),
        places=", ".join(str(place) for place in range(1, len(by) + 1)),
        order=", ".join(
            f"{place} DESC" if name in ("day", "month") else str(place) for place, name in enumerate(by, 1)
        ),
        conditions=" AND ".join([months, *(f"{name} = %({name})s" for name in words)]),
        most=most,
    )
    rows = fetch_all(statement, {"since": wanted.since, "until": wanted.until, **words}, using=using)
    return [Line(dict(zip(by, row, strict=False)), *row[len(by) :]) for row in rows]


def spent_today(using: str = DEFAULT_DB_ALIAS) -> list[Spent]:
    """What is taken of the caps today, of countries to which anything went; without caps nothing is read."""
    caps = spend_caps()
    if not caps.by_country:
        return []
    rows = fetch_all(TAKEN_TODAY, {"currency": caps.currency}, using=using)
    return sorted(against(caps, dict(rows)), key=lambda spent: spent.country)
