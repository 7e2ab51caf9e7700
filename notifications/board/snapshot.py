"""Reads the board's figures with a dozen bounded queries. None of them scans the messages."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS

from notifications import conf
from notifications.board import queries
from notifications.board.figures import (
    BlockedLane,
    ChannelFigures,
    Count,
    Depth,
    Failures,
    Flow,
    HeldUp,
    RelayFigures,
    Retried,
    Snapshot,
    Stretch,
)
from notifications.board.route_figures import RoutedChannel
from notifications.board.routes import routed_channels, with_routes
from notifications.board.schedule_states import schedules
from notifications.board.standing import standing
from notifications.channels import channel_names
from notifications.content.release import release
from notifications.lifecycle import ReceiptStatus
from notifications.policy.runbook import Trouble, own
from notifications.protocol.bad_rows import report
from notifications.protocol.database_errors import is_not_now
from notifications.protocol.histogram import SIZE
from notifications.protocol.run_sql import fetch_all
from notifications.selectors.clock_jobs import clock_jobs, silence
from notifications.selectors.database_clock import database_now
from notifications.selectors.held_words import held_words
from notifications.selectors.just_failed import just_failed, unseen_dead_letters
from notifications.selectors.spending_report import spent_today

MINUTE, TEN_MINUTES = timedelta(minutes=1), timedelta(minutes=10)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SAMPLED = ("minute", "queued", "later", "due", "sending", "failed")
RECEIPTS = (
    ReceiptStatus.DELIVERED,
    ReceiptStatus.READ,
    ReceiptStatus.SENT,
    ReceiptStatus.UNDELIVERED,
    ReceiptStatus.BOUNCED,
    ReceiptStatus.COMPLAINED,
)
SUM_OF_DELAYS = f"ARRAY[{', '.join(f'sum(delays[{place}])' for place in range(1, SIZE + 1))}]::bigint[]"


class ChannelRow(NamedTuple):
    """A row of CHANNELS."""

    name: str
    paused_at: datetime | None
    paused_by: str
    pause_reason: str
    broken_at: datetime | None
    probes: int
    probe_at: datetime | None
    recovered_at: datetime | None
    last_error: str | None
    due: int
    later: int
    oldest_due: float | None


def snapshot(using: str = DEFAULT_DB_ALIAS) -> Snapshot:
    """The board as it is now."""
    minutes = fetch_all(queries.HOUR, using=using)
    sample = next((dict(zip(SAMPLED, row, strict=True)) for row in fetch_all(queries.LATEST_DEPTH, using=using)), None)
    now = database_now(using)
    routed = routed_channels(now, using)
    states = _channels(now, minutes, routed, using)
    ((queued, sending, failed),) = fetch_all(queries.TOTALS, using=using)
    day, last_day = _day(now, using)
    return Snapshot(
        now=now,
        queued=_count(queued, sample, "queued"),
        sending=_count(sending, sample, "sending"),
        failed=_count(failed, sample, "failed"),
        due=_total((state.due for state in states), sample, "due"),
        later=_total((state.later for state in states), sample, "later"),
        oldest_due=max((state.oldest_due for state in states if state.oldest_due is not None), default=None),
        channels=states,
        routed=routed,
        relays=_relays(minutes, using),
        last_minute=Flow(sum(state.sent for state in states), sum(state.failed for state in states)),
        last_hour=_sum(state.hour for state in states),
        last_day=last_day,
        hour=_hour(now, minutes, using),
        day=day,
        blocked=_blocked(states, using),
        failures=[Failures(*row) for row in fetch_all(queries.FAILURES, using=using)],
        held_words=held_words(using),
        just_failed=just_failed(using),
        unseen=unseen_dead_letters(using),
        retried=[
            Retried(*row)
            for row in fetch_all(queries.RETRIED, {"channels": [state.name for state in states]}, using=using)
        ],
        held_up=[HeldUp(*row) for row in fetch_all(queries.HELD_UP, _doors(states), using=using)],
        clock=silence(clock_jobs(using), now=now),
        release=release(),
        receipts=_receipts(using),
        schedules=schedules(now, using),
        own=list(_own()),
        spent=spent_today(using),
        is_read_only=fetch_all(queries.IS_READ_ONLY, using=using)[0][0],
    )


def _channels(
    now: datetime, minutes: list[tuple[Any, ...]], routed: list[RoutedChannel], using: str
) -> list[ChannelFigures]:
    configured = channel_names()
    hours: dict[str, Flow] = {}
    last: dict[str, Flow] = {}
    for _, channel, _, sent, failed, delays, part in minutes:
        hours.setdefault(channel, Flow()).add(sent, failed, delays)
        if part:
            last.setdefault(channel, Flow()).add(round(sent * part), round(failed * part), delays)
    found = []
    for row in fetch_all(queries.CHANNELS, {"channels": configured}, using=using):
        read = ChannelRow._make(row)
        name = read.name
        state, since, why = standing(read, now)
        minute = last.get(name, Flow())
        found.append(
            ChannelFigures(
                name=name,
                state=state,
                since=since,
                why=why,
                probe_at=read.probe_at if read.broken_at and not read.paused_at else None,
                last_error=read.last_error or "",
                due=_count(read.due),
                later=_count(read.later),
                oldest_due=read.oldest_due,
                rate_limit=conf.rate(name),
                sent=minute.sent,
                failed=minute.failed,
                hour=hours.get(name, Flow()),
                is_configured=name in configured,
            )
        )
    return [with_routes(channel, routed) for channel in found]


def _relays(minutes: list[tuple[Any, ...]], using: str) -> list[RelayFigures]:
    settled: dict[int | None, float] = {}
    for _, _, relay_id, sent, failed, _, part in minutes:
        settled[relay_id] = settled.get(relay_id, 0.0) + (sent + failed) * part
    return [RelayFigures(*(*row, round(settled.get(row[0], 0.0)))) for row in fetch_all(queries.RELAYS, using=using)]


def _hour(now: datetime, minutes: list[tuple[Any, ...]], using: str) -> list[Stretch]:
    flows: dict[datetime, Flow] = {}
    for minute, _, _, sent, failed, delays, _ in minutes:
        flows.setdefault(minute, Flow()).add(sent, failed, delays)
    depths = _depths("1 minute", "61 minutes", using)
    return _stretches(now, MINUTE, 60, flows, depths)


def _day(now: datetime, using: str) -> tuple[list[Stretch], Flow]:
    """The day step by step, and all of it together."""
    rows = fetch_all(queries.DAY.format(delays=SUM_OF_DELAYS), using=using)
    flows = {begins: Flow(*row) for begins, *row in rows}
    depths = _depths("10 minutes", "1 day", using)
    return _stretches(now, TEN_MINUTES, 144, flows, depths), _sum(flows.values())


def _depths(step: str, period: str, using: str) -> dict[datetime, Depth]:
    return {row[0]: Depth(*row[1:]) for row in fetch_all(queries.DEPTHS, {"step": step, "period": period}, using=using)}


def _stretches(
    now: datetime, step: timedelta, number: int, flows: dict[datetime, Flow], depths: dict[datetime, Depth]
) -> list[Stretch]:
    """The last `number` steps. Without a sample no relay ran: nothing is known. The step that is running would look
    like a slump, and is left out where an older one is known.
    """
    running = now - (now - EPOCH) % step
    last = running - step if any(begin < running for begin in flows) else running
    begins = [last - step * back for back in reversed(range(number))]
    return [
        Stretch(begin, flows.get(begin, Flow() if begin in depths else None), depths.get(begin)) for begin in begins
    ]


def _blocked(states: list[ChannelFigures], using: str) -> list[BlockedLane]:
    rows = fetch_all(queries.BLOCKED, _doors(states), using=using)
    return [BlockedLane(*(*row, _count(behind, most=queries.MOST_BEHIND))) for *row, behind in rows]


def _own() -> Iterator[tuple[Trouble, str]]:
    """The application's troubles. One that cannot be looked for keeps nobody from the board."""
    for each in own():
        try:
            if what := each.find():
                yield each.trouble, what
        except Exception as error:
            if is_not_now(error):
                raise
            report("looking for trouble", each.trouble.name, error)
            yield each.trouble, "It cannot be said whether this is so. The log says why."


def _doors(states: list[ChannelFigures]) -> dict[str, list[Any]]:
    """The channels, and whether each lets nothing through."""
    return {
        "channels": [state.name for state in states],
        "are_shut": [state.is_shut for state in states],
    }


def _receipts(using: str) -> list[tuple[str, list[int]]]:
    """By channel: how many of the latest receipts say what, in the order of RECEIPTS."""
    found: dict[str, dict[str, int]] = {}
    for channel, status, number in fetch_all(queries.RECEIPTS, using=using):
        found.setdefault(channel, {})[status] = number
    return [(channel, [numbers.get(news, 0) for news in RECEIPTS]) for channel, numbers in found.items()]


def _count(
    number: int, sample: Mapping[str, Any] | None = None, name: str = "", *, most: int = queries.MOST_COUNTED
) -> Count:
    """A bounded count, with what the latest sample says where it is not the whole truth."""
    if number <= most:
        return Count(number)
    if not sample:
        return Count(most, is_capped=True)
    return Count(most, is_capped=True, sampled=sample[name], at=sample["minute"])


def _total(counts: Iterable[Count], sample: Mapping[str, Any] | None, name: str) -> Count:
    found = list(counts)
    total = sum(count.number for count in found)
    if not any(count.is_capped for count in found):
        return Count(total)
    return _count(max(total, queries.MOST_COUNTED) + 1, sample, name, most=total)


def _sum(flows: Iterable[Flow]) -> Flow:
    total = Flow()
    for flow in flows:
        total.add(flow.sent, flow.failed, flow.delays)
    return total
