"""The board's headlines: one sentence for each thing that needs attention now. Screen readers announce them, and
`outbox_status` prints them.

They are a rule over everything that hurts: relays, channels, what fails, what is tried again, what one channel keeps
another from, the clock, the schedules, dead letters that nobody has looked at.
"""

from collections.abc import Iterator
from typing import NamedTuple

from notifications.board import runbook
from notifications.board.figures import Snapshot, outage
from notifications.board.formats import duration
from notifications.policy.causes import cause_of, reason
from notifications.policy.runbook import (
    AWAY,
    BROKEN,
    CLOCK,
    FAILED,
    HELD_KIND,
    HELD_UP,
    LATE,
    MOVED,
    NO_RELAY,
    OLDER,
    PAUSED,
    REFUSED,
    REROUTED,
    SPENDING,
    STALE,
    Trouble,
)
from notifications.policy.spending import SPEND_CODE
from notifications.protocol.sql_words import HELD_WORDS
from notifications.selectors.waits import said

LATE_SECONDS = 60.0  # if a due message waits longer, relays do not keep up, or none serves its channel
SILENT_SECONDS = 5.0  # a relay beats every 0.6 s
CLOCK_SECONDS = 60.0  # within which a clock that starts with the relays has had its first look
MANY_RETRIED = 3  # one retry is everyday life


class Headline(NamedTuple):
    """`what` is wrong, and the `cure`, where it is not plain. `trouble` has a page in the runbook; `channel` and `code`
    say of which.
    """

    what: str
    cure: str = ""
    trouble: Trouble | None = None
    channel: str = ""
    code: str = ""

    def __str__(self) -> str:
        return f"{self.what} {self.cure}".rstrip()

    @property
    def link(self) -> str:
        """The address of the trouble's page; empty where there is none."""
        return runbook.address(self.trouble, channel=self.channel, code=self.code) if self.trouble else ""


def headlines(now: Snapshot) -> list[Headline]:
    """What is wrong, the most urgent first. Nothing: all is well."""
    return [
        *_of_the_database(now),
        *_of_relays(now),
        *_of_channels(now),
        *_of_routes(now),
        *_of_words(now),
        *_of_failures(now),
        *_of_money(now),
        *_of_retries(now),
        *(Headline(what, trouble.cure, trouble) for trouble, what in now.own),
        *_of_lanes(now),
        *_of_clock(now),
        *_of_schedules(now),
        *_of_dead_letters(now),
    ]


def _of_the_database(now: Snapshot) -> Iterator[Headline]:
    if now.is_read_only:
        yield Headline("The database takes no writes: nobody can book, and nothing is sent.", "Bring it back.", AWAY)


def _of_relays(now: Snapshot) -> Iterator[Headline]:
    alive = [relay for relay in now.relays if not relay.is_lost]
    if not alive:
        yield Headline("No relay is running: nothing is sent.", "Start one: manage.py run_outbox_relay.", NO_RELAY)
    for relay in now.relays:
        if relay.is_lost or relay.heartbeat_age > SILENT_SECONDS:
            silence = duration(relay.heartbeat_age)
            yield Headline(f"Relay {relay.id} on {relay.host} has sent no heartbeat for {silence}.", "", STALE)
        elif relay.command:
            yield Headline(f"Relay {relay.id} was told to {relay.command}.")
        elif relay.release and relay.release != now.release:
            since = said(relay.started_at, now=now.now)
            yield Headline(
                f"Relay {relay.id} on {relay.host}, started at {since}, runs other code or templates than the board.",
                "Restart what is older: the relay, or the web.",
                OLDER,
            )


def _of_channels(now: Snapshot) -> Iterator[Headline]:
    for channel in now.channels:
        if channel.state == "paused":
            yield Headline(
                f"{channel.name} is paused, {channel.why}.", "Resume it when the reason is gone.", PAUSED, channel.name
            )
        elif channel.is_out:
            since = said(channel.since or now.now, now=now.now)
            what = f"{channel.name} is {channel.state} since {since}: {outage(channel.last_error)}."
            cause = cause_of(channel.last_error)
            trouble = REFUSED if cause.is_refusal else BROKEN
            yield Headline(what, cause.cure_of_waiting, trouble, channel.name, channel.last_error)
        elif channel.oldest_due is not None and channel.oldest_due > LATE_SECONDS:
            due = duration(channel.oldest_due)
            yield Headline(f"{channel.name}: a message has been due for {due}.", "", LATE, channel.name)


def _of_routes(now: Snapshot) -> Iterator[Headline]:
    """Where others take over for a route, by themselves or by somebody's order."""
    for channel in now.routed:
        if channel.moved_to:
            what = f"All of {channel.name} goes over {channel.moved_to}, moved {channel.moved}."
            if channel.takers and channel.moved_to not in channel.takers:
                what = f"{channel.name} is moved to {channel.moved_to}, which takes nothing; {channel.taken_over}."
            yield Headline(what, MOVED.cure, MOVED, channel.name)
        for route in channel.routes if channel.takers else ():
            if route.is_out:
                since = said(route.since or now.now, now=now.now)
                what = f"{route.key} is {route.state} since {since}: {outage(route.last_error)}; {channel.taken_over}."
                cure = cause_of(route.last_error).cure_of_waiting
                yield Headline(what, cure, REROUTED, channel.name, route.last_error)
            elif route.state == "paused":
                what = f"{route.key} is paused, {route.why}; {channel.taken_over}."
                yield Headline(what, PAUSED.cure, PAUSED, route.key)


def _of_words(now: Snapshot) -> Iterator[Headline]:
    for held in now.held_words:
        yield Headline(held.said(said(held.since, now=now.now)), held.cause.cure, HELD_KIND, held.channel, HELD_WORDS)


def _of_failures(now: Snapshot) -> Iterator[Headline]:
    told = {(channel.name, cause_of(channel.last_error)) for channel in now.channels if channel.is_out}
    for failed in now.just_failed:
        is_told = (failed.channel, failed.cause) in told
        cure = "Replay them once that is mended." if is_told else failed.cause.cure
        yield Headline(f"{failed}.", cure, FAILED, failed.channel, failed.error_code)


def _of_money(now: Snapshot) -> Iterator[Headline]:
    for spent in now.spent:
        if spent.is_reached:
            what = f"Messages to {spent.country} cost {spent} today: what is not sent waits for tomorrow (UTC)."
            yield Headline(what, cause_of(SPEND_CODE).cure, SPENDING, code=SPEND_CODE)
        elif spent.is_near:
            yield Headline(f"Messages to {spent.country} cost {spent} today.", "", SPENDING)


def _of_retries(now: Snapshot) -> Iterator[Headline]:
    shut = {channel.name for channel in now.channels if channel.is_shut}
    for retried in now.retried:
        if retried.count >= MANY_RETRIED and retried.channel not in shut and retried.error_code != HELD_WORDS:
            why = reason(retried.error_code)
            what = f"{retried.count} messages by {retried.channel} are tried again later: {why}."
            cure = cause_of(retried.error_code).cure_of_waiting
            yield Headline(what, cure, BROKEN, retried.channel, retried.error_code)


def _of_lanes(now: Snapshot) -> Iterator[Headline]:
    for held in now.held_up:
        some = (
            f"1 message by {held.channel} waits" if held.count == 1 else f"{held.count} messages by {held.channel} wait"
        )
        yield Headline(f"{some} behind {held.behind}, in the same lanes.", "", HELD_UP, held.behind)


def _of_clock(now: Snapshot) -> Iterator[Headline]:
    """Where relays have been there for a while: in their first minute a clock only begins."""
    begun = min((relay.started_at for relay in now.relays if not relay.is_lost), default=now.now)
    if now.clock and (now.now - begun).total_seconds() > CLOCK_SECONDS:
        yield Headline(now.clock, "", CLOCK)


def _of_schedules(now: Snapshot) -> Iterator[Headline]:
    late = [schedule.name for schedule in now.schedules or () if schedule.is_late]
    if late:
        yield Headline(
            f"The scheduler is not running: {', '.join(late[:3])} should have run.",
            "Start it: manage.py qcluster.",
            CLOCK,
        )


def _of_dead_letters(now: Snapshot) -> Iterator[Headline]:
    older = now.unseen - sum(failed.count for failed in now.just_failed)
    if older > 0:
        some = "1 failed message has" if older == 1 else f"{older} failed messages have"
        yield Headline(
            f"{some} waited for somebody to look.",
            "Replay them, correct their addresses, or mark them as looked at.",
            FAILED,
        )
