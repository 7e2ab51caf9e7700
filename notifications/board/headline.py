"""The board's headlines: one sentence for each thing that needs attention now. Screen readers announce them, and
`outbox_status` prints them.

They are a rule over everything that hurts: relays, channels, what fails, what is tried again, what one channel keeps
another from, the clock, the schedules, dead letters that nobody has looked at.
"""

from collections.abc import Iterator

from notifications.board.figures import Snapshot
from notifications.board.formats import duration
from notifications.policy.causes import cause_of
from notifications.selectors.waits import said

LATE_SECONDS = 60.0  # if a due message waits longer, relays do not keep up, or none serves its channel
SILENT_SECONDS = 5.0  # a relay beats every 0.6 s
MANY_RETRIED = 3  # one retry is everyday life


def headlines(now: Snapshot) -> list[str]:
    """The sentences, the most urgent first. None: all is well."""
    return [
        *_of_relays(now),
        *_of_channels(now),
        *_of_failures(now),
        *_of_retries(now),
        *_of_lanes(now),
        *_of_clock(now),
        *_of_schedules(now),
        *_of_dead_letters(now),
    ]


def _of_relays(now: Snapshot) -> Iterator[str]:
    alive = [relay for relay in now.relays if not relay.is_lost]
    if not alive:
        yield "No relay is running: nothing is sent. Start one: manage.py run_outbox_relay."
    for relay in now.relays:
        if relay.is_lost or relay.heartbeat_age > SILENT_SECONDS:
            yield f"Relay {relay.id} on {relay.host} has sent no heartbeat for {duration(relay.heartbeat_age)}."
        elif relay.command:
            yield f"Relay {relay.id} was told to {relay.command}."


def _of_channels(now: Snapshot) -> Iterator[str]:
    for channel in now.channels:
        if channel.state == "paused":
            yield f"{channel.name} is paused, {channel.why}. Resume it when the reason is gone."
        elif channel.is_out:
            cause = cause_of(channel.last_error)
            since = said(channel.since or now.now, now=now.now)
            why = f"{cause.what} ({channel.last_error})" if channel.last_error else "its provider is out of service"
            yield f"{channel.name} is {channel.state} since {since}: {why}. {cause.cure}"
        elif channel.oldest_due is not None and channel.oldest_due > LATE_SECONDS:
            yield f"{channel.name}: a message has been due for {duration(channel.oldest_due)}."


def _of_failures(now: Snapshot) -> Iterator[str]:
    told = {(channel.name, cause_of(channel.last_error)) for channel in now.channels if channel.is_out}
    for failed in now.just_failed:
        cure = "Replay them once that is mended." if (failed.channel, failed.cause) in told else failed.cause.cure
        yield f"{failed}. {cure}"


def _of_retries(now: Snapshot) -> Iterator[str]:
    out = {channel.name for channel in now.channels if channel.is_shut}
    for retried in now.retried:
        if retried.count >= MANY_RETRIED and retried.channel not in out:
            cause = cause_of(retried.error_code)
            why = f"{cause.what} ({retried.error_code}). {cause.cure}"
            yield f"{retried.count} messages by {retried.channel} are tried again later: {why}"


def _of_lanes(now: Snapshot) -> Iterator[str]:
    for held in now.held_up:
        wait = "1 message by {} waits" if held.count == 1 else f"{held.count} messages by {{}} wait"
        yield f"{wait.format(held.channel)} behind {held.behind}, in the same lanes."


def _of_clock(now: Snapshot) -> Iterator[str]:
    if now.clock and any(not relay.is_lost for relay in now.relays):
        yield now.clock


def _of_schedules(now: Snapshot) -> Iterator[str]:
    late = [schedule.name for schedule in now.schedules or () if schedule.is_late]
    if late:
        yield f"The scheduler (qcluster) is not running: {', '.join(late[:3])} should have run."


def _of_dead_letters(now: Snapshot) -> Iterator[str]:
    older = now.unseen - sum(failed.count for failed in now.just_failed)
    if older > 0:
        some = "1 failed message has" if older == 1 else f"{older} failed messages have"
        yield f"{some} waited for somebody to look: replay them, correct their addresses, or mark them as looked at."
