"""The protocol's statements in a plain loop on one connection, with a send that does nothing: `python -m` this file.

It serves the channel sms until it is killed. No threads, no rendering, no lease to keep: nothing can be faster.
"""

import time
from collections.abc import Sequence

from notifications.protocol import sql_messages as sql
from notifications.protocol import sql_relays
from notifications.protocol.arrays import numbers, texts
from notifications.relay.claim import Claimer
from notifications.relay.connection import fetch_row, open_connection
from notifications.relay.messages import Claimed

BATCH = 500
IDLE_SECONDS = 0.001


def serve() -> None:
    """Claim, settle, promote; for ever."""
    claimer = Claimer()
    with open_connection("default", name="bare loop") as connection:
        registered = {
            "host": "bare",
            "pid": 0,
            "concurrency": 1,
            "release": "",
            "lease": 3600.0,
            "lock_class": None,
            "counted_to": 0,
        }
        (relay,) = fetch_row(connection, sql_relays.REGISTER, registered)
        while True:
            claimed = claimer.claim(connection, relay_id=relay, limits={"sms": BATCH})
            if not claimed:
                time.sleep(IDLE_SECONDS)
                continue
            recipients = numbers([message.recipient_id for message in claimed])
            with connection.pipeline(), connection.transaction():
                connection.execute(sql.LOCK_FREE_RECIPIENTS, {"recipients": recipients})
                connection.execute(sql.SETTLE, {"relay": relay} | _outcomes(claimed))


def _outcomes(claimed: Sequence[Claimed]) -> dict[str, object]:
    called = f"{time.time():.6f}"
    words = {"statuses": "sent", "answers": "accepted", "codes": "", "details": "", "provider_ids": called}
    words["addresses"] = "+14155550123"
    figures = {"deferrals": None, "delays": None, "began": 0.0, "ended": 0.0}
    return {
        "ids": numbers([message.id for message in claimed]),
        "claim_numbers": numbers([message.claim_number for message in claimed]),
        "attempts": numbers([message.attempts + 1 for message in claimed]),
        "lanes": texts([message.lane for message in claimed]),
        **{name: texts([word] * len(claimed)) for name, word in words.items()},
        **{name: numbers([figure] * len(claimed)) for name, figure in figures.items()},
    }


if __name__ == "__main__":
    serve()
