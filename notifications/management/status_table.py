"""Formats an Overview for `outbox_status`: a line that says how late the outbox is, and three small tables."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from notifications.selectors.clock_jobs import silence
from notifications.selectors.overview import Overview

COLOURS = {"open": "green", "paused": "yellow", "broken": "red"}
LATE_SECONDS, SILENT_SECONDS = 60.0, 5.0


def shown(
    now: Overview, headlines: Sequence[str], *, at: datetime, parts: Mapping[str, Overview] = MappingProxyType({})
) -> RenderableType:
    """Everything, as it was read at the moment `at`; first the board's `headlines`. `parts`: the databases that `now`
    is the sum of, by name.
    """
    wrong = [Text(headline, "bold red") for headline in headlines] or [Text("All is well.", "green")]
    tables = [_headline(now), _messages(now), _channels(now), _relays(now, at=at), _clock(now, at=at)]
    if parts:
        tables.insert(1, _databases(parts))
    return Group(*wrong, *(each for table in tables for each in ("", table)))


def _headline(now: Overview) -> Text:
    waited = now.oldest_due_seconds
    lanes = f"{now.lanes['open']} lanes open, {now.lanes['blocked']} blocked by a retry"
    if waited is None:
        return Text.assemble(("Nothing is due.", "green"), f" {lanes}.")
    style = "bold red" if waited > LATE_SECONDS else "yellow" if waited > 1 else "green"
    return Text.assemble((f"The oldest due message has waited {_duration(waited)}.", style), f" {lanes}.")


def _databases(parts: Mapping[str, Overview]) -> Table:
    columns = ("due for", "pending", "sending", "queued", "failed", "relays")
    table = _table("Databases", "database", *columns)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, one in parts.items():
        waited = "" if one.oldest_due_seconds is None else _duration(one.oldest_due_seconds)
        numbers = [f"{one.messages[status]:,}" for status in columns[1:-1]]
        table.add_row(name, waited, *numbers, str(len(one.relays)))
    return table


def _messages(now: Overview) -> Table:
    table = _table("Messages", *now.messages)
    for column in table.columns:
        column.justify = "right"
    table.add_row(
        *(
            Text(f"{'≈ ' if status in now.estimated else ''}{count:,}", "red" if status == "failed" and count else "")
            for status, count in now.messages.items()
        )
    )
    return table


def _channels(now: Overview) -> Table:
    table = _table("Channels", "channel", "state", "sent, last minute", "failed, last minute")
    for column in table.columns[2:]:
        column.justify = "right"
    for name, channel in now.channels.items():
        failed = channel["failed_last_minute"]
        table.add_row(
            name,
            Text(channel["state"], COLOURS.get(channel["state"], "")),
            f"{channel['sent_last_minute']:,}",
            Text(f"{failed:,}", "red" if failed else ""),
        )
    return table


def _relays(now: Overview, *, at: datetime) -> RenderableType:
    if not now.relays:
        return Text("No relay is running: start one with `manage.py run_outbox_relay`.", "bold red")
    of_several = ["database"] if "database" in now.relays[0] else []
    table = _table("Relays", *of_several, "relay", "host", "process", "in flight", "at once per channel", "heard")
    for column in table.columns:
        column.justify = "left" if column.header in ("host", "database") else "right"
    for relay in now.relays:
        heard = max((at - relay["heartbeat_at"]).total_seconds(), 0.0)
        cells: list[Any] = [
            *(relay[name] for name in of_several),
            relay["id"],
            relay["host"],
            relay["pid"],
            relay["in_flight"],
            relay["concurrency"],
        ]
        heard_cell = Text(f"{_duration(heard)} ago", "red" if heard > SILENT_SECONDS else "")
        table.add_row(*map(str, cells), heard_cell)
    return table


def _clock(now: Overview, *, at: datetime) -> Text:
    """Whether something does the periodic work, and which of it fails."""
    if wrong := silence(now.clock, now=at):
        return Text(wrong, "bold red")
    failing = [
        f"{name} ({job['error']}, {job['failures']} times)" for name, job in now.clock.items() if job["failures"]
    ]
    if failing:
        return Text(f"The clock runs, and fails at: {', '.join(failing)}.", "red")
    return Text("The clock runs: held messages, late fallbacks, receipts, alerts, pruning.", "green")


def _table(title: str, *columns: str) -> Table:
    return Table(*columns, title=title, title_justify="left", title_style="bold", header_style="dim")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
