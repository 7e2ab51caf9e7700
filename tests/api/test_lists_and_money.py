"""Lists in an order that the client chooses, and money in every currency's own decimals."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from bookings.models import Slot
from notifications import outbox
from notifications.models import OutboxMessage
from tests.api.problems import assert_problem
from tests.factories.bookings import SlotFactory
from tests.stage.gateway import GatewayProcess
from tests.stage.relay import RecordingChannel, drain


def test_slots_come_in_the_order_asked_for(api: APIClient, slot: Slot) -> None:
    cheap = SlotFactory(price=1, starts_at=slot.starts_at.replace(year=2040), title="A walk")
    for ordering, expected in (
        ("price", [cheap, slot]),
        ("-price", [slot, cheap]),
        ("-starts_at", [cheap, slot]),
        ("title,-price", [cheap, slot]),
        (",price,", [cheap, slot]),
        (",", [slot, cheap]),
    ):
        answer = api.get("/api/slots/", {"ordering": ordering}).json()
        assert [each["id"] for each in answer["results"]] == [each.pk for each in expected], ordering
    assert_problem(api.get("/api/slots/?ordering=capacity"), 400, "invalid_input", "ordering")


@pytest.mark.parametrize(
    "moment", ["0305-11-06T00:01:36-23:56", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-01:00"]
)
def test_moments_at_the_ends_of_time_are_no_error_of_ours(api: APIClient, slot: Slot, moment: str) -> None:
    for bound in ("starts_after", "starts_before"):
        assert api.get("/api/slots/", {bound: moment}).status_code in {200, 400}


def test_an_offset_counts(api: APIClient) -> None:
    SlotFactory(starts_at="2040-06-01T12:00:00Z", ends_at="2040-06-01T13:00:00Z")
    for moment, found in (("2040-06-01T23:00:00+11:00", 1), ("2040-06-02T10:00:01+22:00", 0)):
        assert api.get("/api/slots/", {"starts_after": moment}).json()["count"] == found, moment


def test_bookings_come_in_the_order_asked_for(api: APIClient, payment_gateway: GatewayProcess) -> None:
    made = []
    for year in (2041, 2040):
        slot = SlotFactory()
        Slot.objects.filter(pk=slot.pk).update(starts_at=slot.starts_at.replace(year=year), ends_at="2050-01-01T00:00Z")
        order = api.post("/api/orders/", {"slot": slot.pk, "quantity": 1}).json()
        made.append(api.post("/api/payments/verify/", payment_gateway.pay(order["order_id"])).json()["id"])
    for ordering, expected in (("", made[::-1]), ("created_at", made), ("starts_at", made[::-1]), ("-starts_at", made)):
        answer = api.get("/api/bookings/", {"ordering": ordering}).json()
        assert [each["id"] for each in answer["results"]] == expected, ordering


@pytest.mark.parametrize(
    ("price", "locale", "shown"),
    [
        ((1250, "EUR"), "en", "€25.00"),
        ((1250, "JPY"), "en", "¥2,500"),
        ((1250, "JPY"), "ja", "￥2,500"),
        ((1255, "KWD"), "en", "KWD2.510"),
        ((1250, "EUR"), "de", "25,00 €"),
        ((2**40, "KRW"), "en", "₩2,199,023,255,552"),
    ],
)
def test_messages_show_money_as_its_currency_is_written(  # noqa: PLR0917
    api: APIClient, customer: Any, payment_gateway: GatewayProcess, price: tuple[int, str], locale: str, shown: str
) -> None:
    outbox.change_contact(customer, locale=locale)
    amount, currency = price
    slot = SlotFactory(price=amount, currency=currency)
    order = api.post("/api/orders/", {"slot": slot.pk, "quantity": 2}).json()
    assert (order["amount"], order["currency"]) == (2 * amount, currency), "integers, whatever the currency"
    api.post("/api/payments/verify/", payment_gateway.pay(order["order_id"]))
    email = RecordingChannel("email")
    drain(RecordingChannel(), RecordingChannel("whatsapp"), email)
    assert OutboxMessage.objects.filter(status="sent").count() == 3
    assert shown in email.sent[0].parts["text"].replace("\xa0", " ")
