"""The main flow over HTTP, as a customer's client goes through it."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone
from rest_framework.test import APIClient

from bookings import refunds
from bookings.models import Slot
from notifications import outbox
from notifications.models import OutboxMessage
from tests.api.problems import assert_problem
from tests.factories.bookings import CustomerFactory, SlotFactory, client_of
from tests.stage.gateway import GatewayProcess


def signed_in() -> APIClient:
    """A customer's client, with a token for a password."""
    ann = get_user_model().objects.create_user("ann", email="ann@example.com", password="a long pass phrase")
    outbox.change_contact(ann, phone="+14155550123")
    client = APIClient()
    token = client.post("/api/auth/token/", {"username": "ann", "password": "a long pass phrase"}, format="json")
    assert token.status_code == 200
    client.credentials(HTTP_AUTHORIZATION=f"Token {token.json()['token']}")
    client.default_format = "json"
    return client


def test_from_login_to_booking(slot: Slot, payment_gateway: GatewayProcess) -> None:
    client = signed_in()
    (offered,) = client.get("/api/slots/").json()["results"]
    expected = {"id": slot.pk, "title": slot.title, "capacity": 10, "seats_left": 10, "price": 1250, "currency": "EUR"}
    assert expected.items() <= offered.items()

    order = client.post("/api/orders/", {"slot": offered["id"], "quantity": 2}).json()
    made = {"amount": 2500, "currency": "EUR", "status": "open", "slot": slot.pk, "quantity": 2}
    assert made.items() <= order.items()
    assert order["gateway"] == {
        "name": "sandbox",
        "pay_url": f"{payment_gateway.url}/v1/orders/{order['order_id']}/pay",
    }
    assert client.get(f"/api/slots/{slot.pk}/").json()["seats_left"] == 8

    receipt = payment_gateway.pay(order["order_id"])
    made = client.post("/api/payments/verify/", receipt)
    assert made.status_code == 201
    again = client.post("/api/payments/verify/", receipt)
    assert (again.status_code, again.json()) == (200, made.json())

    booking = made.json()
    assert (booking["status"], booking["amount"], booking["refund"]) == ("confirmed", 2500, None)
    assert [
        (each["channel"], each["kind"], each["status"], each["attempts"], each["sent_at"], each["receipt"])
        for each in booking["notifications"]
    ] == [
        ("sms", "booking.confirmed", "pending", 0, None, ""),
        ("whatsapp", "booking.confirmed", "queued", 0, None, ""),
        ("email", "booking.confirmed", "queued", 0, None, ""),
    ]
    assert client.get(f"/api/bookings/{booking['id']}/").json() == booking
    assert client.get("/api/bookings/").json()["results"] == [booking]


def test_session_login_goes_through_too(slot: Slot, payment_gateway: GatewayProcess) -> None:
    get_user_model().objects.create_user("ann", password="a long pass phrase")
    client = APIClient(enforce_csrf_checks=True)
    client.get("/login/")
    form = {"username": "ann", "password": "a long pass phrase"}
    client.post("/login/", form | {"csrfmiddlewaretoken": client.cookies["csrftoken"].value}, format="multipart")
    body = {"slot": slot.pk, "quantity": 1}
    assert client.post("/api/orders/", body, format="json").json()["code"] == "permission_denied", "no CSRF token"
    token = client.cookies["csrftoken"].value
    assert client.post("/api/orders/", body, format="json", HTTP_X_CSRFTOKEN=token).status_code == 201


def test_a_cancelled_booking_frees_its_seats_tells_the_customer_and_is_refunded(
    api: APIClient, order: dict[str, Any], payment_gateway: GatewayProcess
) -> None:
    receipt = payment_gateway.pay(order["order_id"])
    booking = api.post("/api/payments/verify/", receipt).json()
    cancelled = api.post(f"/api/bookings/{booking['id']}/cancel/")
    assert cancelled.status_code == 200
    assert (cancelled.json()["status"], cancelled.json()["refund"]) == ("cancelled", "requested")
    assert Slot.objects.get().seats_taken == 0
    assert api.post(f"/api/bookings/{booking['id']}/cancel/").json() == cancelled.json(), "twice does no more than once"

    assert refunds.execute_due() == (1, 0)
    assert refunds.execute_due() == (0, 0)
    assert [
        refund["amount"] for refund in payment_gateway.refunds() if refund["payment_id"] == receipt["payment_id"]
    ] == [2500]
    shown = api.get(f"/api/bookings/{booking['id']}/").json()
    assert shown["refund"] == "succeeded"
    assert [each["kind"] for each in shown["notifications"]] == (
        ["booking.confirmed"] * 3 + ["booking.cancelled"] * 3 + ["payment.refunded"] * 3
    )
    assert api.post("/api/payments/verify/", receipt).json() == shown


def test_a_booking_whose_slot_has_started_is_not_cancellable(
    api: APIClient, order: dict[str, Any], payment_gateway: GatewayProcess
) -> None:
    booking = api.post("/api/payments/verify/", payment_gateway.pay(order["order_id"])).json()
    Slot.objects.update(starts_at=timezone.now())
    assert_problem(api.post(f"/api/bookings/{booking['id']}/cancel/"), 409, "not_cancellable")
    kept = api.get(f"/api/bookings/{booking['id']}/").json()
    assert (kept["status"], kept["notifications"]) == ("confirmed", booking["notifications"])


def test_a_late_cancellation_is_not_refunded(api: APIClient, slot: Slot, payment_gateway: GatewayProcess) -> None:
    Slot.objects.update(free_cancellation_hours=24 * 8)
    order = api.post("/api/orders/", {"slot": slot.pk, "quantity": 1}).json()
    booking = api.post("/api/payments/verify/", payment_gateway.pay(order["order_id"])).json()
    cancelled = api.post(f"/api/bookings/{booking['id']}/cancel/").json()
    assert (cancelled["status"], cancelled["refund"]) == ("cancelled", None)


def test_a_refund_that_the_gateway_cannot_take_is_tried_again(
    api: APIClient, order: dict[str, Any], payment_gateway: GatewayProcess
) -> None:
    booking = api.post("/api/payments/verify/", payment_gateway.pay(order["order_id"])).json()
    api.post(f"/api/bookings/{booking['id']}/cancel/")
    payment_gateway.is_in_the_mood(down=True)
    assert refunds.execute_due() == (0, 1)
    payment_gateway.is_in_the_mood()
    assert refunds.execute_due() == (0, 0), "not before its pause is over"
    refund = api.get(f"/api/bookings/{booking['id']}/").json()["refund"]
    assert refund == "requested"
    from bookings.models import Refund  # noqa: PLC0415

    later = Refund.objects.get().next_try_at
    assert refunds.execute_due(now=later) == (1, 0)


def test_me_shows_and_changes_how_someone_is_reached(api: APIClient, customer: Any) -> None:
    assert api.get("/api/me/").json() == {
        "username": customer.username,
        "name": "",
        "phone": "+14155550123",
        "email": customer.email,
        "locale": "en",
        "time_zone": "UTC",
        "sms_enabled": True,
        "whatsapp_enabled": True,
        "email_enabled": True,
        "unconfirmed": {},
        "opt_ins": {channel: {"transactional": True, "reminder": True} for channel in ("email", "sms", "whatsapp")},
    }
    wishes = {"phone": "+49 30 901820", "locale": "de", "time_zone": "Europe/Berlin", "whatsapp_enabled": False}
    changed = api.patch("/api/me/", wishes)
    assert changed.status_code == 200
    assert api.get("/api/me/").json() == changed.json()
    assert changed.json()["unconfirmed"] == {"phone": "+4930901820"}


def test_opt_outs_decide_which_channels_carry_a_booking(
    api: APIClient, order: dict[str, Any], payment_gateway: GatewayProcess
) -> None:
    api.patch("/api/me/", {"whatsapp_enabled": False, "email_enabled": False})
    booking = api.post("/api/payments/verify/", payment_gateway.pay(order["order_id"])).json()
    assert [(each["channel"], each["status"], each["reason"]) for each in booking["notifications"]] == [
        ("sms", "pending", ""),
        ("whatsapp", "cancelled", "opted_out"),
        ("email", "cancelled", "opted_out"),
    ]


def test_slots_can_be_narrowed_down_and_come_in_pages(api: APIClient, slot: Slot) -> None:
    full = SlotFactory(capacity=1, seats_taken=1, starts_at=slot.starts_at.replace(year=2040))
    ids = [each["id"] for each in api.get("/api/slots/").json()["results"]]
    assert ids == [slot.pk, full.pk]
    for query, expected in (
        ("has_seats=true", [slot.pk]),
        ("has_seats=false", [full.pk]),
        ("starts_after=2039-01-01T00:00:00Z", [full.pk]),
        ("starts_before=2039-01-01T00:00:00Z", [slot.pk]),
        ("page_size=1&page=2", [full.pk]),
    ):
        assert [each["id"] for each in api.get(f"/api/slots/?{query}").json()["results"]] == expected, query


def test_bookings_can_be_narrowed_down_and_take_three_queries(
    api: APIClient, slot: Slot, payment_gateway: GatewayProcess, django_assert_num_queries: Any
) -> None:
    made = []
    for _ in range(3):
        order = api.post("/api/orders/", {"slot": slot.pk, "quantity": 1}).json()
        made.append(api.post("/api/payments/verify/", payment_gateway.pay(order["order_id"])).json()["id"])
    api.post(f"/api/bookings/{made[0]}/cancel/")
    with django_assert_num_queries(3):  # the count, the page, its messages
        shown = api.get("/api/bookings/?status=confirmed").json()
    assert [each["id"] for each in shown["results"]] == made[:0:-1]


@pytest.mark.parametrize("method", ["get", "post"])
def test_another_users_booking_is_not_there(
    api: APIClient, order: dict[str, Any], payment_gateway: GatewayProcess, method: str
) -> None:
    booking = api.post("/api/payments/verify/", payment_gateway.pay(order["order_id"])).json()["id"]
    stranger = client_of(CustomerFactory())
    address = f"/api/bookings/{booking}/" + ("cancel/" if method == "post" else "")
    assert getattr(stranger, method)(address).status_code == 404
    assert stranger.get("/api/bookings/").json()["results"] == []
    assert api.get(f"/api/bookings/{booking}/").json()["status"] == "confirmed"


def test_verification_over_http_takes_at_most_twelve_queries(
    customer: Any, slot: Slot, payment_gateway: GatewayProcess, django_assert_max_num_queries: Any
) -> None:
    from bookings.tokens import give_token  # noqa: PLC0415

    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {give_token(customer)}")
    order = client.post("/api/orders/", {"slot": slot.pk, "quantity": 1}, format="json").json()
    receipt = payment_gateway.pay(order["order_id"])
    with django_assert_max_num_queries(12):  # the transaction's BEGIN and COMMIT included
        assert client.post("/api/payments/verify/", receipt, format="json").status_code == 201
    assert OutboxMessage.objects.count() == 3
