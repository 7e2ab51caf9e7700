"""Has autovacuum look after the hot tables before their dead rows cost anything (PostgreSQL, "Routine Vacuuming").

By default it begins when a fifth of a table is dead: with five million messages, after a million. A message's row is
written five times in its life, and every dead entry in front of the index of what is due is walked over by claims.
"""

from django.db import migrations

SETTINGS = {
    # Messages: begin at 5,000 dead rows and a fiftieth of the table; statistics follow closely, because the planner must
    # know that what is pending is a handful among millions.
    "notifications_outboxmessage": {
        "autovacuum_vacuum_threshold": 5000,
        "autovacuum_vacuum_scale_factor": 0.02,
        "autovacuum_vacuum_insert_scale_factor": 0.05,
        "autovacuum_analyze_scale_factor": 0.02,
    },
    # Attempts are only inserted, and pruned in crowds: freeze them in small steps instead of all at once years later.
    "notifications_deliveryattempt": {
        "autovacuum_vacuum_scale_factor": 0.05,
        "autovacuum_vacuum_insert_scale_factor": 0.05,
        "autovacuum_analyze_scale_factor": 0.05,
    },
    # Recipients are locked by every publication and settle: locks shared with foreign keys leave multixacts behind,
    # which only vacuum retires.
    "notifications_recipient": {"autovacuum_vacuum_scale_factor": 0.02, "autovacuum_analyze_scale_factor": 0.05},
    # A row for each relay, written twice a second, and one for each channel: room on the page keeps each new version
    # beside the old one, out of the index; vacuum begins at 100 dead rows, whatever the table's size.
    "notifications_relay": {
        "fillfactor": 20,
        "autovacuum_vacuum_threshold": 100,
        "autovacuum_vacuum_scale_factor": 0,
        "autovacuum_analyze_threshold": 1000,
    },
    "notifications_channel": {
        "fillfactor": 20,
        "autovacuum_vacuum_threshold": 100,
        "autovacuum_vacuum_scale_factor": 0,
        "autovacuum_analyze_threshold": 1000,
    },
}


def _operation(table: str, options: dict[str, float]) -> migrations.RunSQL:
    """Takes a lock that neither readers nor writers wait for (SHARE UPDATE EXCLUSIVE)."""
    chosen = ", ".join(f"{name} = {value}" for name, value in options.items())
    return migrations.RunSQL(
        f"ALTER TABLE {table} SET ({chosen})", reverse_sql=f"ALTER TABLE {table} RESET ({', '.join(options)})"
    )


class Migration(migrations.Migration):
    dependencies = [("notifications", "0009_counters")]

    operations = [_operation(table, options) for table, options in SETTINGS.items()]
