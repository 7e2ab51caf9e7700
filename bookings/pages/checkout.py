"""How an order is paid on its page: with the gateway's own form, or in the sandbox, where the page pays itself."""

from dataclasses import dataclass
from typing import Any

import requests
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from bookings import verification
from bookings.business import business
from bookings.checkouts import FORMS
from bookings.errors import GatewayUnavailable
from bookings.gateways import RAZORPAY, SANDBOX, STRIPE, PaymentState, gateway
from bookings.models import Booking, Order


@dataclass(frozen=True, slots=True)
class Form:
    """A gateway's form on the page: its script's address, our script that starts it, and the data for it."""

    script: str
    starter: str
    told: dict[str, Any]


def form_of(order: Order) -> Form | None:
    """The form that takes the payment of `order`; None if the gateway has none, or a setting for it is missing.

    Raises GatewayUnavailable.
    """
    if order.gateway not in FORMS or order.gateway != gateway().name:
        return None
    told = _told(order)
    return Form(FORMS[order.gateway].script, f"bookings/checkout-{order.gateway}.js", told) if told else None


def _told(order: Order) -> dict[str, Any] | None:
    """The data for the gateway's script, under the gateway's names; None if a setting is missing."""
    if order.gateway == STRIPE and not settings.STRIPE_PUBLISHABLE_KEY:
        return None
    handed = gateway(order.gateway).checkout(order.gateway_order_id)
    if order.gateway == RAZORPAY:
        return {
            "key": handed["key_id"],
            "order_id": handed["order_id"],
            "amount": order.amount,
            "currency": order.currency,
            "name": business().name,
            "description": order.slot.title,
        }
    return {"key": settings.STRIPE_PUBLISHABLE_KEY, "client_secret": handed["client_secret"]}


def can_be_paid_here(order: Order) -> bool:
    """Whether this page can pay by itself. A real gateway takes cards in its own form."""
    return order.gateway == SANDBOX


def pay(order: Order, *, customer: User) -> Booking:
    """Pay the order at the gateway, unless it is paid, and verify the payment as any client does.

    So a form that is sent twice pays once. Raises what `verify` raises.
    """
    payments = gateway(order.gateway).payments_of(order.gateway_order_id)
    paid = next((payment for payment in payments if payment.state is PaymentState.CAPTURED), None)
    if paid is not None:
        return verification.look_at(order, paid.payment_id, now=timezone.now()).booking
    receipt = _receipt(order)
    return verification.verify(
        user=customer,
        order_id=receipt["order_id"],
        payment_id=receipt["payment_id"],
        signature=receipt["signature"],
    ).booking


def _receipt(order: Order) -> dict[str, str]:
    """What the gateway hands a customer who pays."""
    address = gateway(order.gateway).checkout(order.gateway_order_id)["pay_url"]
    with requests.Session() as session:
        session.trust_env = False  # no proxy between us and a local service
        try:
            answer = session.post(address, json={}, timeout=settings.PAYMENT_GATEWAY_TIMEOUT_SECONDS)
            answer.raise_for_status()
            receipt: dict[str, str] = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise GatewayUnavailable from error
    return receipt
