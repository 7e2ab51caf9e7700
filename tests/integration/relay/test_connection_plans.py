"""A relay plans for all batches to come: no plan may read a whole table, or all that is in flight for each outcome."""

import re
from collections.abc import Callable

import pytest

from notifications.protocol import (
    sql_caps,
    sql_enrich,
    sql_fallbacks,
    sql_messages,
    sql_opt_outs,
    sql_push,
    sql_relays,
    sql_routes,
    sql_tally,
    sql_words,
)
from notifications.relay.claim import _statement
from notifications.relay.connection import Connection
from tests.guarantees.test_g7_g8_crowds import fill, people
from tests.stage.relay import HandRelay

pytestmark = pytest.mark.django_db(transaction=True)

STATEMENTS = {
    "claim of one channel": _statement(1),
    "claim of three": _statement(3),
    **{
        f"{module.__name__.rpartition('.')[2]}.{name}": getattr(module, name)
        for module, names in {
            sql_messages: "LOCK_FREE_RECIPIENTS SETTLE SETTLE_AND_CLAIM PROMOTE SECONDS_TO_NEXT_DUE UNFINISHED "
            "ALREADY_SETTLED",
            sql_relays: "HEARTBEAT RESCUE RETURN_UNANSWERED DECLARE_DEAD COUNT_DEPARTED",
            sql_routes: "ASSIGN HISTORY NOTE",
            sql_caps: "COUNT TAKE_BACK",
            sql_enrich: "WENT_TO EARLIER_ATTEMPTS CONVERSATIONS",
            sql_fallbacks: "WATCH SUBSTITUTE",
            sql_opt_outs: "APPLY_OPT_OUTS",
            sql_push: "DEVICES",
            sql_tally: "RECOUNT SAMPLE",
            sql_words: "FREE_WORDS",
        }.items()
        for name in names.split()
    },
}


WHOLE_TABLE = r"Seq Scan on notifications_(outboxmessage|deliveryattempt|recipient\b)|(Hash|Merge) Join|Bitmap"
ALL_FOR_EACH = r"Join Filter: .*\b(done|chosen|plan)\.id"


def test_plans_find_their_rows_by_indexes(hand_relay: Callable[..., HandRelay]) -> None:
    first = people(3_000)
    fill(2_000, status="sent", recipient=f"{first} - 1 + number")
    fill(1_000, status="pending", recipient=f"{first} + 1999 + number", due="now() - interval '1 hour'")
    relay = hand_relay()
    relay.claim(500)
    for name, statement in STATEMENTS.items():
        plan = plan_of(statement, relay.connection)
        assert not re.search(f"{WHOLE_TABLE}|{ALL_FOR_EACH}", plan), f"{name}: {plan}"


def plan_of(statement: str, connection: Connection) -> str:
    """The plan that serves every execution, whatever the parameters."""
    places: dict[str, int] = {}
    numbered = re.sub(r"%\((\w+)\)s", lambda found: f"${places.setdefault(found[1], len(places) + 1)}", statement)
    connection.execute("PREPARE planned AS " + numbered.replace("%%", "%"))  # type: ignore[arg-type]
    try:
        nulls = ", ".join(["NULL"] * len(places))
        rows = connection.execute(f"EXPLAIN EXECUTE planned{f' ({nulls})' if nulls else ''}")  # type: ignore[arg-type]
        return "\n".join(line for (line,) in rows)
    finally:
        connection.execute("DEALLOCATE planned")
