"""Formats an Overview for `outbox_status`: a line that says how late the outbox is, and three small tables."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from notifications.selectors.clock_jobs import silence
from notifications.selectors.overview import Overview

COLOURS = {"open": "green", "paused": "yellow", "broken": "red"}
LATE_SECONDS, SILENT_SECONDS = 60.0, 5.0


def shown(now: Overview, headlines: Sequence[str], *, at: datetime) -> RenderableType:
    """Everything, as it was read at the moment `at`; first the board's `headlines`."""
    wrong = [Text(headline, "bold red") for headline in headlines] or [Text("All is well.", "green")]
    parts = (_headline(now), _messages(now), _channels(now), _relays(now, at=at), _clock(now, at=at))
    return Group(*wrong, *(each for part in parts for each in ("", part)))


def _headline(now: Overview) -> Text:
    waited = now.oldest_due_seconds
    lanes = f"{now.lanes['open']} lanes open, {now.lanes['blocked']} blocked by a retry"
    if waited is None:
        return Text.assemble(("Nothing is due.", "green"), f" {lanes}.")
    style = "bold red" if waited > LATE_SECONDS else "yellow" if waited > 1 else "green"
    return Text.assemble((f"The oldest due message has waited {_duration(waited)}.", style), f" {lanes}.")


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
    table = _table("Relays", "relay", "host", "process", "in flight", "at once per channel", "heard")
    for column in (table.columns[0], *table.columns[2:]):
        column.justify = "right"
    for relay in now.relays:
        heard = max((at - relay["heartbeat_at"]).total_seconds(), 0.0)
        cells: list[Any] = [relay["id"], relay["host"], relay["pid"], relay["in_flight"], relay["concurrency"]]
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
