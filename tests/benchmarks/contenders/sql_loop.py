"""The ceiling: the protocol's statements in a plain loop, as `bare_loop.py` has them."""

import json

from django.db import connection

from notifications.protocol import sql_messages as sql
from tests.benchmarks.bare_loop import BATCH
from tests.benchmarks.contenders.relay import Outbox
from tests.benchmarks.processes import Processes
from tests.benchmarks.work import CHANNELS, CONTEXT, KIND, Work


class SqlLoop(Outbox):
    """The protocol's bare SQL."""

    name = "sql_loop"
    described = f"the protocol's statements alone, batches of {BATCH}, one connection"
    lacks = {
        "is_real": "it calls nobody",
        "latency": "it sends one message at a time",
        "is_many": "it has only one connection",
    }

    def start(self, work: Work, processes: Processes) -> None:
        processes.start_python("-m", "tests.benchmarks.bare_loop")

    def announce_thrice(self, number: int, user: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql.LOCK_RECIPIENTS, {"recipients": [user]})
            cursor.execute(
                sql.ENQUEUE,
                {
                    "recipient": user,
                    "kind": KIND,
                    "context": json.dumps(CONTEXT),
                    "dedupe_key": f"booking:{number}:confirmed",
                    "reference": f"booking:{number}",
                    "origin": "",
                    "traceparent": "",
                    "expires_at": None,
                    "send_at": None,
                    "held_until": None,
                    "replace_key": "",
                    "channels": list(CHANNELS),
                    "lanes": [""] * len(CHANNELS),
                    "suppressions": [""] * len(CHANNELS),
                    "leads": [True, False, False],
                },
            )
            assert len(cursor.fetchall()) == len(CHANNELS)
