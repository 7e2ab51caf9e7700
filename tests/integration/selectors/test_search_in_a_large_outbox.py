"""Support's pages stay quick however many messages there are: few queries, none of which reads all messages or all
recipients, be it one after the other or by the order of their IDs.

In the suite, by the number of queries and by their plans, over OUTBOX_ROWS messages (default 60,000). The long form
prints and judges the time as well, for example over five million:

    OUTBOX_ROWS=5000000 pytest tests/integration/selectors/test_search_in_a_large_outbox.py -s
"""

import json
import os
import statistics
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from notifications.models import OutboxMessage, Recipient
from notifications.protocol.sql_channels import REGISTER_CHANNELS
from notifications.selectors import search

pytestmark = pytest.mark.django_db

ROWS = int(os.environ.get("OUTBOX_ROWS", "60000"))
MEASURED = ROWS >= 1_000_000
MOST_MILLISECONDS = 300.0
MOST_OF_A_REFRESH = 20.0  # milliseconds
MOST_QUERIES = 32  # of them three are the session's and the user's, six the board's of payments, refunds and setbacks
TABLE = "notifications_outboxmessage"
LARGE = (TABLE, "notifications_recipient")

# One recipient in the middle has a hundredth of all that is done, and as many that wait. The rest belongs to a tenth as
# many recipients, written over ninety days; one in two hundred failed, one in a thousand expired.
SEED = f"""
INSERT INTO notifications_recipient (phone, email, locale, time_zone)
SELECT '+1415' || lpad(number::text, 7, '0'), 'p' || number || '@example.com', 'en', 'UTC'
FROM generate_series(1, %(people)s) AS number;
INSERT INTO {TABLE} (recipient_id, lane, kind, channel, context, dedupe_key, reference, provider_id, created_at,
    next_attempt_at, finished_at, attempts, claim_number, error_code, status)
SELECT %(first)s + CASE WHEN number %% 100 = 7 THEN %(people)s / 2 ELSE number::bigint * 7919 %% %(people)s END, '',
    CASE WHEN number %% 500 = 3 THEN 'test.other' ELSE 'test.greeting' END,
    CASE WHEN number %% 3 = 0 THEN 'email' ELSE 'sms' END, '{{"name": "Ann"}}', '', 'booking:' || number,
    'SM' || md5(number::text), moment, moment, moment, 1, 1,
    CASE WHEN number %% 200 = 1 THEN 'twilio_' || 30001 + number %% 7 ELSE '' END,
    CASE WHEN number %% 200 = 1 THEN 'failed' WHEN number %% 1000 = 2 THEN 'expired' ELSE 'sent' END
FROM generate_series(1, %(rows)s) AS number
CROSS JOIN LATERAL (SELECT now() - interval '90 days' * (1 - number::float8 / %(rows)s)) AS at (moment);
INSERT INTO {TABLE} (recipient_id, lane, kind, channel, context, dedupe_key, reference, next_attempt_at, status)
SELECT %(first)s + CASE WHEN number %% 2 = 0 THEN number %% %(people)s ELSE %(people)s / 2 END, '',
    CASE WHEN number %% 500 = 3 THEN 'test.other' ELSE 'test.greeting' END, 'sms', '{{"name": "Ann"}}', '', '',
    now() + interval '1 hour', 'queued'
FROM generate_series(1, %(rows)s / 50) AS number;
UPDATE {TABLE} SET status = 'pending' WHERE id IN (
    SELECT min(id) FROM {TABLE} WHERE status = 'queued' GROUP BY recipient_id
);
INSERT INTO notifications_messagereference (reference, message_id)
SELECT reference, id FROM {TABLE} WHERE reference <> '' AND id %% 10 = 0;
INSERT INTO notifications_deliveryattempt (message_id, claim_number, relay_id, answer, code, detail)
SELECT id, 1, 1, 'accepted', '', '' FROM {TABLE} WHERE id %% 10 = 0 AND status = 'sent';
"""


@pytest.fixture(scope="module")
def outbox(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """The seeded outbox: some of its rows by name."""
    with django_db_blocker.unblock():
        User.objects.create_superuser("large", "large@example.com", "a pass phrase")
        people = max(ROWS // 10, 100)
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval(pg_get_serial_sequence('notifications_recipient', 'id'))")
            first = cursor.fetchone()[0] + 1
            cursor.execute("SET session_replication_role = replica")  # foreign keys hold by construction
            cursor.execute(SEED, {"rows": ROWS, "people": people, "first": first})
            cursor.execute("RESET session_replication_role")
            cursor.execute(REGISTER_CHANNELS, {"channels": ["email", "sms"]})
        tables = [TABLE, "notifications_recipient", "notifications_messagereference", "notifications_deliveryattempt"]
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM ANALYZE {', '.join(tables)}")
        hot = Recipient.objects.get(pk=first + people // 2)
        rows = OutboxMessage.objects
        some = list(rows.filter(status="sent", pk__gte=rows.order_by("pk")[ROWS // 2].pk).order_by("pk")[:2000])
        yield {
            "hot": hot,
            "one": Recipient.objects.get(pk=first + 5),
            "sent": next(message for message in some if message.pk % 10 == 0),
            "queued": rows.filter(recipient=hot, status="queued").order_by("recipient", "lane", "-pk").first(),
            "failed": rows.filter(status="failed").order_by("-pk").first(),
        }
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {', '.join(tables)}, notifications_operatoraction CASCADE")
            cursor.execute("DELETE FROM auth_user WHERE username = 'large'")


LIST = reverse("admin:notifications_outboxmessage_changelist")
REFRESH = reverse("outbox:now")
PAGES = {
    "list": lambda rows: LIST,
    "list, the last page": lambda rows: f"{LIST}?p={200 if MEASURED else 30}",
    "list, failed": lambda rows: f"{LIST}?status__exact=failed",
    "list, failed of a rare kind": lambda rows: f"{LIST}?status__exact=failed&kind=test.other",
    "list, of a rare kind": lambda rows: f"{LIST}?kind=test.other",
    "list, expired": lambda rows: f"{LIST}?status__exact=expired",
    "list, queued": lambda rows: f"{LIST}?status__exact=queued",
    "list, an error's": lambda rows: f"{LIST}?error_code=twilio_30003",
    "list, yesterday's emails": lambda rows: f"{LIST}?written=yesterday&channel=email",
    "list, further back": lambda rows: f"{LIST}?status__exact=expired&before={rows['sent'].pk}",
    "list, in another order": lambda rows: f"{LIST}?o=3",
    "search, an ID": lambda rows: f"{LIST}?q={rows['sent'].pk}",
    "search, a reference": lambda rows: f"{LIST}?q={rows['sent'].reference}",
    "search, a phone number": lambda rows: f"{LIST}?{urlencode({'q': rows['one'].phone})}",
    "search, the busiest": lambda rows: f"{LIST}?{urlencode({'q': rows['hot'].email.upper()})}",
    "search, a provider's ID": lambda rows: f"{LIST}?q={rows['sent'].provider_id}",
    "search, the first letters": lambda rows: f"{LIST}?q=p123",
    "search, nothing": lambda rows: f"{LIST}?q=nobody@example.com",
    "message, sent": lambda rows: reverse("admin:notifications_outboxmessage_change", args=[rows["sent"].pk]),
    "message, last of the longest lane": lambda rows: reverse(
        "admin:notifications_outboxmessage_change", args=[rows["queued"].pk]
    ),
    "lane": lambda rows: reverse("admin:notifications_recipient_lane", args=[rows["one"].pk]),
    "lane, the longest": lambda rows: reverse("admin:notifications_recipient_lane", args=[rows["hot"].pk]),
    "lane, deep in the longest": lambda rows: (
        reverse("admin:notifications_recipient_lane", args=[rows["hot"].pk])
        + f"?after={rows['queued'].pk - 500}&before={rows['sent'].pk}"
    ),
    "what the busiest got": lambda rows: reverse("admin:notifications_recipient_got", args=[rows["hot"].pk]),
    "what the busiest got, searched": lambda rows: (
        reverse("admin:notifications_recipient_got", args=[rows["hot"].pk]) + "?q=ann"
    ),
    "replay, a preview of one error": lambda rows: (
        reverse("admin:notifications_outboxmessage_replay") + "?error_code=twilio_30003"
    ),
    "board": lambda rows: reverse("outbox:board"),
    "board, a refresh": lambda rows: REFRESH,
    "pause": lambda rows: reverse("admin:notifications_channelstate_pause", args=["sms"]),
    "API, list": lambda rows: "/api/staff/outbox/messages/?kind=test.other",
    "API, message": lambda rows: f"/api/staff/outbox/messages/{rows['sent'].pk}/",
}


@pytest.fixture
def client(outbox: dict[str, Any], db: None, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(search, "LATEST", min(search.LATEST, ROWS // 30))
    opened = Client()
    opened.force_login(User.objects.get(username="large"))
    return opened


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_quick(client: Client, outbox: dict[str, Any], name: str) -> None:
    address = PAGES[name](outbox)
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(address)
    assert answer.status_code == 200
    statements = [query["sql"] for query in captured.captured_queries]
    assert len(statements) <= MOST_QUERIES, "\n".join(statements)
    for statement in statements:
        if any(table in statement for table in LARGE) and statement.lstrip().startswith(("SELECT", "WITH")):
            assert not list(scans(plan_of(statement))), statement
    if MEASURED:
        median = statistics.median(milliseconds(client, address) for _ in range(7))
        print(f"{name:40} {len(statements):3} queries {median:7.1f} ms")
        assert median < MOST_MILLISECONDS


@pytest.mark.skipif(not MEASURED, reason="judges the time; with OUTBOX_ROWS of a million and more")
def test_a_refresh_of_the_board_costs_the_database_little(client: Client) -> None:
    spent = []
    for _ in range(7):
        clock = Stopwatch()
        with connection.execute_wrapper(clock):
            client.get(REFRESH)
        spent.append(clock.milliseconds)
    print(f"database, for a refresh of the board {statistics.median(spent):7.1f} ms")
    assert statistics.median(spent) < MOST_OF_A_REFRESH


def test_every_page_shows_what_it_is_for(client: Client, outbox: dict[str, Any]) -> None:
    """Else an empty page would count as a quick one."""
    shown = {name: client.get(PAGES[name](outbox)).content.decode() for name in PAGES}
    assert outbox["sent"].reference in shown["message, sent"]
    assert "is behind message" in shown["message, last of the longest lane"]
    for name in ("search, an ID", "search, a reference", "search, a phone number", "search, the busiest"):
        assert 'class="field-kind_name"' in shown[name], name
    for name in ("list", "list, the last page", "list, failed", "list, queued", "list, further back"):
        assert 'class="field-kind_name"' in shown[name], name
    assert "would go out again" in shown["replay, a preview of one error"]
    assert shown["lane, the longest"].count('name="ids"') == 100
    assert "test.other" in shown["API, list"]


def milliseconds(client: Client, address: str) -> float:
    began = time.perf_counter()
    client.get(address)
    return (time.perf_counter() - began) * 1000


class Stopwatch:
    """Adds up how long statements take, from the web's side: the way to the database and back included."""

    milliseconds = 0.0

    def __call__(self, execute: Any, *arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            self.milliseconds += (time.perf_counter() - began) * 1000


def plan_of(statement: str) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (FORMAT JSON) " + statement.replace("%", "%%"), [])
        (plan,) = cursor.fetchone()
    return (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]


def scans(plan: dict[str, Any]) -> Iterator[str]:
    """The parts of `plan` that read a whole large table."""
    table = plan.get("Relation Name")
    in_turn = plan["Node Type"] == "Seq Scan" and (table == TABLE or "Filter" in plan)
    by_id = plan.get("Index Name") == f"{table}_pkey" and "Filter" in plan and "Index Cond" not in plan
    if table in LARGE and (in_turn or by_id):
        yield str(plan.get("Filter", "all"))
    for below in plan.get("Plans", ()):
        yield from scans(below)
