"""The report of usage reads counters alone: two statements, however many messages there were.

The long form prints and judges the processor time of web and PostgreSQL, on one machine, over the counters that a
hundred million messages of three years leave: eight kinds, three channels, forty countries, two currencies.

    OUTBOX_USAGE_MONTHS=36 pytest tests/integration/selectors/test_usage_report_of_years.py -s
"""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from notifications.models import Usage
from notifications.protocol.histogram import SIZE
from notifications.protocol.run_sql import fetch_all

pytestmark = pytest.mark.django_db

MONTHS = int(os.environ.get("OUTBOX_USAGE_MONTHS", "2"))
MESSAGES = 100_000_000 * MONTHS // 36
MOST_MILLISECONDS = 400.0  # on busy cores; 300 on idle ones
ROWS = MONTHS * 8 * (2 * 40 + 1) * 2  # email knows no countries; what is priced has a row of its own

SEED = f"""
INSERT INTO notifications_usage (month, kind, channel, country, currency, relay_id, sent, failed, delivered,
    undelivered, priced, segments, cost, delays, deliveries)
SELECT date_trunc('month', now()) - make_interval(months => month), 'kind.' || kind, channel, country, currency,
    CASE WHEN currency = '' THEN 0 END, CASE WHEN currency = '' THEN %(sent)s ELSE 0 END, 3, %(sent)s, 5, 7, 9,
    CASE WHEN currency = '' THEN 0 ELSE 12.345678 END,
    array_fill(CASE WHEN currency = '' THEN 11::bigint ELSE 0 END, ARRAY[{SIZE}]),
    array_fill(CASE WHEN currency = '' THEN 13::bigint ELSE 0 END, ARRAY[{SIZE}])
FROM generate_series(0, %(months)s - 1) AS month, generate_series(1, 8) AS kind,
    unnest(ARRAY['sms', 'whatsapp', 'email']) AS channel, unnest(ARRAY['', 'USD']) AS currency,
    LATERAL (SELECT chr(65 + number / 26) || chr(65 + number %% 26) AS country FROM generate_series(0, 39) AS number
             WHERE channel <> 'email' UNION ALL SELECT '' WHERE channel = 'email') AS countries
"""


def test_a_report_of_years_reads_no_message_and_is_quick(admin_client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SEED, {"months": MONTHS, "sent": 2 * MESSAGES // ROWS})
        assert cursor.rowcount == ROWS
        cursor.execute("ANALYZE notifications_usage")
    month = timezone.now().date().replace(day=1)
    first = month
    for _ in range(MONTHS - 1):
        first = (first - timedelta(days=1)).replace(day=1)
    years = {"since": f"{first:%Y-%m}", "until": f"{month:%Y-%m}"}
    by = ["month", "kind", "channel", "country"]
    page, file = reverse("admin:notifications_usage_changelist"), reverse("admin:notifications_usage_csv")
    api = reverse("staff-usage")
    asked = {
        "page, twelve months by channel": lambda: admin_client.get(page),
        "page, all by channel": lambda: admin_client.get(page, years | {"by": ["month", "channel"]}),
        "page, all by everything": lambda: admin_client.get(page, years | {"by": by}),
        "CSV, all by month, kind and channel": lambda: admin_client.get(file, years | {"by": by[:3]}),
        "API, all by channel": lambda: admin_client.get(api, years | {"by": "month,channel"}),
        "API, all by month, kind and channel": lambda: admin_client.get(api, years | {"by": ",".join(by[:3])}),
    }
    for name, ask in asked.items():
        took, tables = _asked(ask)
        assert tables <= {"notifications_usage"}, name
        if MONTHS >= 36:
            print(f"{name}: {took:.0f} ms", flush=True)
            assert took < MOST_MILLISECONDS, name
    assert Usage.objects.count() == ROWS


def _processor_seconds(process: int) -> float:
    """What PostgreSQL's process, on this machine, has used, and this one."""
    user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK") + time.process_time()


def _asked(ask: Callable[[], Any]) -> tuple[float, set[str]]:
    """Processor milliseconds of web and database, the mean of two; and which of the outbox's tables were read."""
    ((process,),) = fetch_all("SELECT pg_backend_pid()", using="default")
    tries = 2 if MONTHS >= 36 else 1
    began = _processor_seconds(process) if MONTHS >= 36 else 0.0
    for _ in range(tries):
        with CaptureQueriesContext(connection) as queries:
            answer = ask()
            body = b"".join(answer) if answer.streaming else answer.content
        assert answer.status_code == 200, body[:300]
    read = {"notifications_usage", "notifications_outboxmessage", "notifications_deliveryattempt"}
    took = 1000 * (_processor_seconds(process) - began) / tries if MONTHS >= 36 else 0.0
    return took, {table for table in read if any(table in each["sql"] for each in queries)}
