"""Counts what a relay has settled. Its heartbeat writes the counts down, so history costs no statement of its own.

Used by the relay's thread alone. What a killed relay had not written is counted from its attempts: `sql_tally`.
"""

import json
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from notifications.lifecycle import ADOPTED, Accepted, Status, Unknown
from notifications.policy.phone_numbers import country_by_prefix
from notifications.protocol import sql_relays, sql_spending, sql_usage
from notifications.protocol import sql_tally as sql
from notifications.protocol.histogram import BOUNDS, SIZE
from notifications.relay.connection import Connection
from notifications.relay.messages import Settlement

SAMPLE_SECONDS = 10.0  # how often a relay looks whether this minute's sample is taken
DAYS = 8  # for which minutes are kept
FOLDED = 10_000  # rows of usage that are merged at once


@dataclass(slots=True)
class Counts:
    """One channel's counts. `delays`: from publication to acceptance; `durations`: of single attempts. In seconds."""

    numbers: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*sql.STATUSES, *sql.ANSWERS), 0))
    delay_seconds: float = 0.0
    duration_seconds: float = 0.0
    delays: list[int] = field(default_factory=lambda: [0] * SIZE)
    durations: list[int] = field(default_factory=lambda: [0] * SIZE)


@dataclass(slots=True)
class Used:
    """What was sent, and what failed, of one kind, on one channel, to one country. `delays` as in Counts."""

    sent: int = 0
    failed: int = 0
    delay_seconds: float = 0.0
    delays: list[int] = field(default_factory=lambda: [0] * SIZE)

    def add(self, *, is_sent: bool, delay: float) -> None:
        if is_sent:
            self.sent += 1
            self.delays[bisect_left(BOUNDS, delay)] += 1
            self.delay_seconds += delay
        else:
            self.failed += 1


@dataclass(slots=True)
class Cost:
    """Copies that went over one route to one country, and what they cost by its price."""

    estimates: int = 0
    estimated: Decimal = Decimal(0)


Usage = dict[tuple[str, str, str], Used]  # by kind, channel and country
Costs = dict[tuple[str, str, str, str], Cost]  # by channel, route, country and currency


class Tally:
    """What one relay has settled since its last heartbeat: by channel, and by kind, channel and country."""

    def __init__(self) -> None:
        self._channels: dict[str, Counts] = {}
        self._usage: Usage = {}
        self._costs: Costs = {}

    def add(self, settlement: Settlement, *, age: float) -> None:
        """Count a settlement that was written; `age`: seconds from the message's publication to the send's end."""
        counts = self._channels.get(settlement.message.channel)
        if counts is None:
            counts = self._channels[settlement.message.channel] = Counts()
        status, outcome = settlement.status, settlement.outcome
        if status.is_terminal:
            counts.numbers[status] += 1
            if status is Status.SENT or status is Status.FAILED:
                message = settlement.message
                used = _used(self._usage, message.kind, message.channel, settlement.address)
                used.add(is_sent=status is Status.SENT, delay=age)
        if outcome is None:
            return
        counts.numbers[outcome.answer] += 1
        if settlement.message.charge is not None and isinstance(outcome, Accepted | Unknown):
            message, charge = settlement.message, settlement.message.charge
            if outcome.code != ADOPTED:
                _add_cost(self._costs, (message.channel, message.route, charge.country, charge.currency), charge.amount)
        duration = settlement.ended - settlement.began
        counts.durations[bisect_left(BOUNDS, duration)] += 1
        counts.duration_seconds += duration
        if status is Status.SENT:
            counts.delays[bisect_left(BOUNDS, age)] += 1
            counts.delay_seconds += age

    def as_json(self) -> str:
        """The counts, as the heartbeat's statement takes them."""
        rows = ({"channel": channel, **asdict(counts)} for channel, counts in self._channels.items())
        channels = [row | row.pop("numbers") for row in rows]
        counted = {"channels": channels, "usage": _usage_rows(self._usage), "spending": _cost_rows(self._costs)}
        return json.dumps(counted)

    def clear(self) -> None:
        """Start again at zero: what was counted is written, or will be counted from the attempts."""
        self._channels.clear()
        self._usage.clear()
        self._costs.clear()


def recount(connection: Connection, *, relay_id: int) -> None:
    """Count from its attempts what the relay wrote and may not have counted, because its connection broke."""
    with connection.transaction():
        _add_left_over(connection, connection.execute(sql.RECOUNT, {"relay": relay_id}).fetchall())


def count_departed(connection: Connection) -> None:
    """Count from their attempts what relays that were declared dead had not counted, as far as those are all there."""
    with connection.transaction():
        _add_left_over(connection, connection.execute(sql_relays.COUNT_DEPARTED).fetchall())


def _add_left_over(connection: Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Count usage and costs that a relay had not counted: rows of the statements that count its attempts, in their
    transaction.

    Python does it, because no statement can tell a number's country.
    """
    left_over: dict[int, Usage] = {}
    costs: dict[int, Costs] = {}
    for relay_id, kind, channel, address, is_sent, has_failed, delay, route, price, currency in rows:
        if price is not None:
            place = channel, route, _country(address), currency
            _add_cost(costs.setdefault(relay_id, {}), place, price)
        usage = left_over.setdefault(relay_id, {})
        if is_sent:
            _used(usage, kind, channel, address).add(is_sent=True, delay=delay)
        if has_failed:
            _used(usage, kind, channel, address).add(is_sent=False, delay=delay)
    for relay_id, usage in left_over.items():
        connection.execute(sql_usage.ADD_USAGE, {"relay": relay_id, "seen": json.dumps(_usage_rows(usage))})
    for relay_id, spent in costs.items():
        connection.execute(sql_spending.ADD_SPENDING, {"relay": relay_id, "seen": json.dumps(_cost_rows(spent))})


def keep_history(connection: Connection) -> None:
    """Sample how much waits, once a minute over all relays, and merge the rows of minutes that are over."""
    if connection.execute(sql.SAMPLE).fetchall():
        connection.execute(sql.FOLD, {"days": DAYS})
        connection.execute(sql.FORGET_DEPTHS, {"days": DAYS})
        connection.execute(sql_spending.FORGET, {"days": DAYS})
        for fold in (sql_usage.FOLD, sql_spending.FOLD):
            while connection.execute(fold, {"most": FOLDED}).fetchall() == [(FOLDED,)]:
                pass


def _used(usage: Usage, kind: str, channel: str, address: str) -> Used:
    place = kind, channel, _country(address)
    used = usage.get(place)
    if used is None:
        used = usage[place] = Used()
    return used


def _usage_rows(usage: Usage) -> list[dict[str, Any]]:
    return [
        {"kind": kind, "channel": channel, "country": country, **asdict(used)}
        for (kind, channel, country), used in usage.items()
    ]


def _country(address: str) -> str:
    return country_by_prefix(address) if address.startswith("+") else ""


def _add_cost(costs: Costs, place: tuple[str, str, str, str], amount: Decimal) -> None:
    cost = costs.setdefault(place, Cost())
    cost.estimates += 1
    cost.estimated += amount


def _cost_rows(costs: Costs) -> list[dict[str, Any]]:
    return [
        {
            "channel": channel,
            "route": route,
            "country": country,
            "currency": currency,
            "estimates": cost.estimates,
            "estimated": str(cost.estimated),
        }
        for (channel, route, country, currency), cost in costs.items()
    ]
