"""Moves all of a channel's messages to one of its routes, and back, on record. Relays follow within a heartbeat.

While that route is not open, its messages go over the others: a move keeps nothing from being sent. Sends that have
begun are finished where they are, and what a provider may already have stays with it (G6).
"""

from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models.functions import Now

from notifications.channels.routes import routes_of
from notifications.models import ChannelState
from notifications.models.audit import Verb
from notifications.operations.record_action import record


def move(channel: str, *, to: str, actor: str, reason: str, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Have all relays send everything by `channel` over its route `to`; False if it was moved there before.

    Raises ValueError for a route that the channel does not have, and without a reason.
    """
    names = [route.name for route in routes_of(channel)]
    if to not in names:
        has = f"has the routes {', '.join(names)}" if names else "has only one route"
        raise ValueError(f"{channel} cannot be moved to {to!r}: it {has}.")
    return _change(channel, to, Verb.MOVE, actor=actor, reason=reason, using=using)


def move_back(channel: str, *, actor: str, reason: str, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Let shares or prices decide again; False if it was not moved. Raises ValueError without a reason."""
    return _change(channel, "", Verb.MOVE_BACK, actor=actor, reason=reason, using=using)


def _change(channel: str, to: str, verb: Verb, *, actor: str, reason: str, using: str) -> bool:
    if not reason.strip():
        raise ValueError("Say why the channel is moved: a reason is kept with the record.")
    states = ChannelState.objects.using(using)
    with transaction.atomic(using=using):
        states.bulk_create([ChannelState(name=channel)], ignore_conflicts=True)
        state = states.select_for_update(no_key=True).get(name=channel)
        if state.moved_to == to:
            return False
        states.filter(pk=state.pk).update(
            moved_to=to,
            moved_at=Now() if to else None,
            moved_by=actor if to else "",
            move_reason=reason if to else "",
        )
        record(
            verb,
            channel=channel,
            actor=actor,
            reason=reason,
            before={"moved_to": state.moved_to},
            after={"moved_to": to},
            using=using,
        )
    return True
