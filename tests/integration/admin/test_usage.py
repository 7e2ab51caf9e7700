"""The report of usage: its lines, its CSV, who sees it, and what it answers to odd wishes."""

import csv
import io
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from notifications.models import Usage
from tests.factories.staff import staff

pytestmark = pytest.mark.django_db
REPORT, CSV = "/admin/notifications/usage/", "/admin/notifications/usage/csv/"
MONTH = {"since": "2026-03", "until": "2026-03"}


@pytest.fixture
def client() -> Client:
    """Staff who may see usage, of two months; in March a message was charged in another currency, too."""
    both = {"kind": "booking.confirmed", "channel": "sms", "month": date(2026, 3, 1)}
    Usage.objects.create(country="US", relay_id=4, sent=10, failed=2, delays=[0] * 5 + [10] + [0] * 13, **both)
    Usage.objects.create(country="US", delivered=8, undelivered=1, deliveries=[0] * 9 + [8] + [0] * 9, **both)
    Usage.objects.create(country="US", currency="USD", priced=8, segments=12, cost="0.1234567", **both)
    Usage.objects.create(country="US", currency="EUR", priced=1, segments=1, cost="0.05", **both)
    Usage.objects.create(country="DE", relay_id=4, sent=1, **both)
    Usage.objects.create(kind="", channel="sms", country="", month=date(2026, 3, 1), opt_outs=3)
    Usage.objects.create(kind="x", channel="email", country="", month=date(2026, 2, 1), relay_id=4, sent=5)
    return staff("view_usage")


def lines(client: Client, **query: Any) -> list[dict[str, str]]:
    answer: Any = client.get(CSV, MONTH | query)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(b"".join(answer).decode())))


def test_a_line_has_what_was_sent_what_it_cost_and_how_long_it_took(client: Client) -> None:
    (line,) = lines(client)
    assert line == {
        "month": "2026-03",
        "channel": "sms",
        "sent": "11",
        "failed": "2",
        "delivered": "8",
        "undelivered": "1",
        "priced": "9",
        "segments": "13",
        "opt_outs": "3",
        "cost EUR": "0.050000",
        "cost USD": "0.123457",
        "delivery_rate": "0.7273",
        "seconds_to_acceptance": "0.075",
        "seconds_to_delivery": "1.75",
    }


def test_it_is_told_by_what_is_asked_for(client: Client) -> None:
    told = lines(client, since="2026-01", by=["month", "country"])
    assert [(line["month"], line["country"], line["sent"]) for line in told] == [
        ("2026-03", "", "0"),
        ("2026-03", "DE", "1"),
        ("2026-03", "US", "10"),
        ("2026-02", "", "5"),
    ]
    assert [line["sent"] for line in lines(client, by="kind", country="us")] == ["10"]
    assert [line["sent"] for line in lines(client, by="kind", channel="email", since="2026-01")] == ["5"]


def test_the_page_shows_the_last_year_and_leads_to_the_csv_of_what_it_shows(client: Client) -> None:
    month = timezone.now().date().replace(day=1)
    Usage.objects.create(kind="now", channel="whatsapp", country="FR", month=month, relay_id=1, sent=1234)
    page = client.get(REPORT).content.decode()
    assert "1,234" in page
    page = client.get(REPORT, MONTH | {"by": "country"}).content.decode()
    assert "73 %" not in page
    assert "80 %" in page
    assert "0.12&nbsp;USD" in page
    assert "csv/?since=2026-03&amp;until=2026-03&amp;by=country" in page


@pytest.mark.parametrize(
    "odd",
    [
        {"since": "2026-13"},
        {"since": "x\x00"},
        {"since": "2026-05"},
        {"by": "secret"},
        {"kind": "\x00"},
        {"country": "USA"},
    ],
)
def test_an_odd_wish_is_told_on_the_page_and_is_no_csv(client: Client, odd: dict[str, str]) -> None:
    answer = client.get(REPORT, MONTH | odd)
    assert answer.status_code == 200
    assert "Correct the choice above." in answer.content.decode()
    assert client.get(CSV, MONTH | odd).status_code == 404


def test_who_may_not_see_usage_gets_neither_page_nor_csv() -> None:
    client = staff("view_outboxmessage", "export_lists")
    assert [client.get(address).status_code for address in (REPORT, CSV)] == [403, 403]
    assert client.get(f"{REPORT}1/change/").status_code in (302, 403, 404)
