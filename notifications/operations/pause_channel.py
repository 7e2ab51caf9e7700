"""Pauses and resumes channels, on record, for admin, API and commands alike. Paused messages use up no attempts."""

from django.db import DEFAULT_DB_ALIAS, connections, transaction

from notifications.models.audit import Verb
from notifications.operations.record_action import record
from notifications.protocol import sql_channels
from notifications.protocol.notify import notify


def pause(channel: str, *, actor: str, reason: str = "", using: str = DEFAULT_DB_ALIAS) -> bool:
    """Have all relays claim nothing more for `channel`, within a heartbeat; False if it was paused before.

    Sends that have begun are finished. In a lane, other channels' messages wait behind the paused channel's.
    """
    statement, parameters = sql_channels.PAUSE_CHANNEL, {"channel": channel, "actor": actor, "reason": reason}
    return _change(statement, parameters, Verb.PAUSE, actor=actor, reason=reason, using=using)


def resume(channel: str, *, actor: str, reason: str = "", using: str = DEFAULT_DB_ALIAS) -> bool:
    """Let `channel` go on; False if it was not paused."""
    statement, parameters = sql_channels.RESUME_CHANNEL, {"channel": channel}
    has_changed = _change(statement, parameters, Verb.RESUME, actor=actor, reason=reason, using=using)
    notify(using)
    return has_changed


def _change(statement: str, parameters: dict[str, str], verb: Verb, *, actor: str, reason: str, using: str) -> bool:
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(statement, parameters)
        has_changed = cursor.fetchone() is not None
        if has_changed:
            record(verb, channel=parameters["channel"], actor=actor, reason=reason, using=using)
    return has_changed
