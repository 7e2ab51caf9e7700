"""`python -m tests.benchmarks.footprint`: what one message costs in bytes, on disk and in the write-ahead log.

Published as an application does, three channels a booking, and drained by a real relay whose providers do nothing.
"""

import argparse
import subprocess
import sys

from tests.benchmarks import database
from tests.benchmarks.seeding import Connection, settle_down

RECIPIENTS = 1_000
TABLES = (
    "notifications_outboxmessage",
    "notifications_deliveryattempt",
    "notifications_messagereference",
    "notifications_publishedkey",
)
SIZES = "SELECT sum(pg_total_relation_size(name::regclass))::bigint FROM unnest(%s::text[]) AS name"


def measure(connection: Connection, *, bookings: int) -> dict[str, float]:
    """Bytes for each message: of rows with their indexes, of the log when publishing, and when sending."""
    from notifications.models import Recipient  # noqa: PLC0415  (needs Django set up)

    Recipient.objects.bulk_create(
        Recipient(phone=f"+49151{number:08}", email=f"user{number}@example.com") for number in range(RECIPIENTS)
    )
    empty, began = size(connection), wal(connection)
    publish(bookings)
    published = wal(connection)
    subprocess.run([sys.executable, "manage.py", "run_outbox_relay", "--drain"], check=True, stderr=subprocess.DEVNULL)
    sent = wal(connection)
    settle_down(connection, *TABLES)
    messages = 3 * bookings
    return {
        "messages": messages,
        "bytes_kept": round((size(connection) - empty) / messages),
        "wal_publishing": round((published - began) / messages),
        "wal_sending": round((sent - published) / messages),
    }


def publish(bookings: int) -> None:
    """Announce `bookings`, each in a transaction of its own."""
    from django.db import transaction  # noqa: PLC0415

    from notifications import outbox  # noqa: PLC0415
    from notifications.models import Recipient  # noqa: PLC0415
    from tests.benchmarks.work import CONTEXT, KIND  # noqa: PLC0415

    recipients = list(Recipient.objects.all())
    for number in range(bookings):
        with transaction.atomic():
            outbox.publish(
                KIND,
                recipient=recipients[number % RECIPIENTS],
                context=CONTEXT,
                dedupe_key=f"booking:{number}:confirmed",
                reference=f"booking:{number}",
            )


def size(connection: Connection) -> int:
    return _number(connection, SIZES, [list(TABLES)])


def wal(connection: Connection) -> int:
    return _number(connection, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")


def _number(connection: Connection, statement: str, parameters: list[object] | None = None) -> int:
    row = connection.execute(statement, parameters).fetchone()
    assert row
    return int(row[0])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.footprint", description=__doc__)
    parser.add_argument("--bookings", type=int, default=3_000)
    options = parser.parse_args()
    with database.claimed() as url, database.migrated(url) as connection:
        for name, figure in measure(connection, bookings=options.bookings).items():
            print(f"{name:>16} {figure:>10,}")


if __name__ == "__main__":
    main()
