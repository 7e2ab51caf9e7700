"""Stops and drains relays from afar, on record: a command in the relay's row, which its next heartbeat reads."""

from enum import StrEnum

from django.db import DEFAULT_DB_ALIAS, transaction

from notifications.models import Relay
from notifications.models.audit import Verb
from notifications.operations.record_action import record


class RelayCommand(StrEnum):
    """The commands to a relay. A supervisor that restarts processes (systemd, Kubernetes) restarts it after either."""

    STOP = "stop"  # as SIGTERM does: claim no more, finish what is in flight, hand back the rest, exit 0
    DRAIN = "drain"  # as --drain does: go on until no message is left that could still move, then exit 0


def command_relay(
    relay_id: int, command: RelayCommand, *, actor: str, reason: str = "", using: str = DEFAULT_DB_ALIAS
) -> bool:
    """Command a relay, which obeys within a heartbeat; False if it is gone, or has that command already.

    A stop can follow a drain. Nothing can follow a stop.
    """
    with transaction.atomic(using=using):
        relays = (
            Relay.objects.using(using).filter(pk=relay_id).exclude(command__in=[command.value, RelayCommand.STOP.value])
        )
        relay = relays.select_for_update(no_key=True).first()
        if relay is None:
            return False
        relays.update(command=command.value)
        record(Verb(command.value), actor=actor, reason=reason, detail=str(relay), using=using)
    return True
