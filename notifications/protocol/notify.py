"""Wakes relays the moment a message is committed: NOTIFY after commit (G9). Each schema has a channel of its own.

NOTIFY is sent outside the publisher's transaction, because a transaction with a pending NOTIFY takes a lock over the
whole database when it commits. No message depends on its arrival: relays also poll, slowly.
"""

from django.db import connections, transaction

from notifications.protocol.sql_schema import SCHEMA

CHANNEL = "notifications_outbox"  # of an outbox in `public`; in another schema its OID follows
CHANNEL_OF_SCHEMA = f"concat_ws('_', '{CHANNEL}', nullif({SCHEMA}, 0))"
NOTIFY = f"SELECT pg_notify({CHANNEL_OF_SCHEMA}, '')"


def notify(using: str) -> None:
    """Wake every relay that listens on the database `using`."""
    with connections[using].cursor() as cursor:
        cursor.execute(NOTIFY)


def notify_after_commit(using: str) -> None:
    """Wake the relays once per transaction, after its commit. A NOTIFY that fails is logged and harms nothing."""

    def wake_relays() -> None:
        notify(using)

    pending = (entry[1] for entry in connections[using].run_on_commit)
    if not any(getattr(hook, "__qualname__", "") == wake_relays.__qualname__ for hook in pending):
        transaction.on_commit(wake_relays, using=using, robust=True)
