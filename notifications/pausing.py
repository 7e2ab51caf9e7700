"""Pauses and resumes channels: the one place behind the admin and the commands. What waits meanwhile loses nothing."""

from django.db import DEFAULT_DB_ALIAS, connections

from notifications.relay import sql_channels
from notifications.relay.wakeup import notify


def pause(channel: str, *, actor: str, reason: str = "", using: str = DEFAULT_DB_ALIAS) -> bool:
    """Have all relays claim nothing more for `channel`, within a heartbeat; False if it was paused before.

    What is being sent is finished. Messages of other channels behind a paused one's in the same lane wait with it.
    """
    parameters = {"channel": channel, "actor": actor, "reason": reason}
    with connections[using].cursor() as cursor:
        cursor.execute(sql_channels.PAUSE_CHANNEL, parameters)
        return cursor.fetchone() is not None


def resume(channel: str, *, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Let `channel` go on; False if it was not paused."""
    with connections[using].cursor() as cursor:
        cursor.execute(sql_channels.RESUME_CHANNEL, {"channel": channel})
        has_changed = cursor.fetchone() is not None
    notify(using)
    return has_changed
