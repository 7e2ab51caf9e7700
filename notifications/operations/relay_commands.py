"""Stops and drains relays from afar, on record: a command in the relay's row, which its next heartbeat reads."""

from enum import StrEnum

from django.db import DEFAULT_DB_ALIAS, transaction

from notifications.models import Relay
from notifications.models.audit import Verb
from notifications.operations.record_action import record


class RelayCommand(StrEnum):
    """What a relay can be told. What restarts ended processes (systemd, Kubernetes) starts it again after either."""

    STOP = "stop"  # as SIGTERM does: claim no more, finish what is in flight, hand back the rest, exit 0
    DRAIN = "drain"  # as --drain does: go on until no message is left that could still move, then exit 0


def command_relay(
    relay_id: int, command: RelayCommand, *, actor: str, reason: str = "", using: str = DEFAULT_DB_ALIAS
) -> bool:
    """Tell a relay what to do, which it begins within a heartbeat; False if it is gone, or was told so before.

    A relay that was told to drain can be told to stop; a stop is not taken back.
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
