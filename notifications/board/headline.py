"""The board's headline: one sentence for each thing that needs attention now. Screen readers announce it."""

from collections.abc import Iterator

from notifications.board.figures import Snapshot
from notifications.board.formats import duration

LATE_SECONDS = 60.0  # if a due message waits longer, relays do not keep up, or none serves its channel
SILENT_SECONDS = 5.0  # a relay beats every 0.6 s


def headlines(now: Snapshot) -> list[str]:
    """The sentences, the most urgent first. None: all is well."""
    return [*_of_relays(now), *_of_channels(now), *_of_schedules(now)]


def _of_relays(now: Snapshot) -> Iterator[str]:
    alive = [relay for relay in now.relays if not relay.is_lost]
    if not alive:
        yield "No relay is running: nothing is sent."
    for relay in now.relays:
        if relay.is_lost or relay.heartbeat_age > SILENT_SECONDS:
            yield f"Relay {relay.id} on {relay.host} has sent no heartbeat for {duration(relay.heartbeat_age)}."
        elif relay.command:
            yield f"Relay {relay.id} was told to {relay.command}."


def _of_channels(now: Snapshot) -> Iterator[str]:
    for channel in now.channels:
        if channel.state in ("paused", "broken"):
            yield f"{channel.name} is {channel.state}, {channel.why}."
        elif channel.oldest_due is not None and channel.oldest_due > LATE_SECONDS:
            yield f"{channel.name}: a message has been due for {duration(channel.oldest_due)}."


def _of_schedules(now: Snapshot) -> Iterator[str]:
    late = [schedule.name for schedule in now.schedules or () if schedule.is_late]
    if late:
        yield f"The scheduler (qcluster) is not running: {', '.join(late[:3])} should have run."
