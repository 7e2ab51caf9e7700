"""The report of money: its lines, its CSV, the API's, who sees it; and what staff are told of a cap."""

import csv
import io
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from notifications.board.headline import headlines
from notifications.board.snapshot import snapshot
from notifications.models import OutboxMessage, SpendAllowance, Spending
from notifications.monitoring import alert_rules
from notifications.selectors.waits import waits_of
from tests.factories.notifications import RecipientFactory, publish_one
from tests.factories.staff import staff

pytestmark = pytest.mark.django_db
PAGE, CSV, API = "/admin/notifications/spending/", "/admin/notifications/spending/csv/", "/api/staff/outbox/spending/"
MARCH = {"since": "2026-03", "until": "2026-03"}


@pytest.fixture
def client() -> Client:
    """Staff who may see usage, of three days."""
    sms = {"channel": "sms", "country": "DE", "currency": "EUR"}
    Spending.objects.create(day=date(2026, 3, 1), route="twilio", relay_id=4, estimates=10, estimated="0.8", **sms)
    Spending.objects.create(day=date(2026, 3, 1), route="twilio", estimates=-1, estimated="-0.08", **sms)
    Spending.objects.create(day=date(2026, 3, 1), route="twilio", priced=1, cost="0.0755", **sms)
    Spending.objects.create(day=date(2026, 3, 31), route="backup", relay_id=4, estimates=1, estimated="0.09", **sms)
    Spending.objects.create(day=date(2026, 4, 1), route="backup", relay_id=4, estimates=1, estimated="0.09", **sms)
    return staff("view_usage")


def lines(client: Client, **query: Any) -> list[dict[str, str]]:
    answer: Any = client.get(CSV, MARCH | query)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(b"".join(answer).decode())))


def test_a_told_price_stands_beside_what_is_estimated_of_the_others(client: Client) -> None:
    backup, twilio = lines(client)
    assert twilio == {
        "month": "2026-03",
        "channel": "sms",
        "route": "twilio",
        "currency": "EUR",
        "total": "0.795500",
        "cost": "0.075500",
        "priced": "1",
        "estimated": "0.720000",
        "estimates": "9",
    }
    assert (backup["route"], backup["total"]) == ("backup", "0.090000")


def test_page_csv_and_api_tell_it_by_what_is_asked_for(client: Client) -> None:
    told = lines(client, by=["day", "country"], until="2026-04")
    assert [(line["day"], line["estimates"]) for line in told] == [
        ("2026-04-01", "1"),
        ("2026-03-31", "1"),
        ("2026-03-01", "9"),
    ]
    answer = client.get(API, MARCH | {"by": "day,route", "route": "backup"}).json()
    assert [(line["day"], line["total"]) for line in answer["results"]] == [("2026-03-31", "0.090000")]
    page = client.get(PAGE, MARCH | {"by": "route"}).content.decode()
    assert ">backup<" in page
    assert "0.80" in page
    assert client.get(API, MARCH | {"by": "kind"}).status_code == 400
    assert "Correct the choice" in client.get(PAGE, {"since": "nonsense"}).content.decode()


@pytest.mark.parametrize("address", [PAGE, CSV, API])
def test_only_who_may_see_usage_sees_it(client: Client, address: str) -> None:
    assert staff("view_outboxmessage", name="other").get(address, MARCH).status_code == 403
    assert client.get(address, MARCH).status_code == 200


def test_staff_are_told_when_a_cap_is_near_and_when_it_is_reached(settings: Settings) -> None:
    settings.OUTBOX_SPEND_CAPS = {"DE": "50", "*": "10"}
    settings.OUTBOX_SPEND_CURRENCY = "EUR"
    today = timezone.now().date()
    for country, taken, currency in (("DE", "40", "EUR"), ("US", "10", "EUR"), ("FR", "7", "EUR"), ("FR", "9", "USD")):
        SpendAllowance.objects.create(day=today, country=country, taken=taken, currency=currency)
    alerts = {name: says for name, says in alert_rules.wrong_now().alerts.items() if name.startswith("spending:")}
    assert list(alerts) == ["spending:near:DE", "spending:reached:US"]
    assert "40.00 of 50.00 EUR (80 %)" in alerts["spending:near:DE"]
    assert "raise OUTBOX_SPEND_CAPS" in alerts["spending:reached:US"]
    told = [str(each) for each in headlines(snapshot()) if each.trouble and each.trouble.name == "spending"]
    assert [says[:18] for says in told] == ["Messages to DE cos", "Messages to US cos"]
    assert "US: 10.00 of 10.00 EUR (100 %)" in staff("view_usage").get(PAGE).content.decode()


def test_a_message_over_a_cap_says_what_it_waits_for() -> None:
    message = publish_one(RecipientFactory())
    OutboxMessage.objects.update(status="queued", lane="(held)", error_code="spend_cap")
    message.refresh_from_db()
    (wait,) = waits_of(message)
    assert (wait.code, wait.trouble) == ("spend_cap", "spending")
    assert wait.words.startswith("waits because the day's cap of money for its country is reached")
