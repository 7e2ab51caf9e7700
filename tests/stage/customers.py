"""Customers who have paid, and report it over HTTP when they are told to: what a verification is measured with."""

import http.client
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta

import requests
from django.contrib.auth.models import User
from django.utils import timezone

from bookings import orders
from bookings.models import Slot
from bookings.tokens import give_token
from notifications import outbox

Call = Callable[[], None]


class NotBooked(Exception):
    """A verification was answered with something else than a booking."""


@contextmanager
def who_have_paid(gateway: str, web: str, *, number: int) -> Iterator[list[Call]]:
    """`number` customers who have paid at `gateway`, and what each will do: report it to `web`, which may raise
    NotBooked."""
    starts_at = timezone.now() + timedelta(days=30)
    slot = Slot.objects.create(
        title="Morning yoga", starts_at=starts_at, ends_at=starts_at + timedelta(hours=1), capacity=number, price=1250
    )
    run = secrets.token_hex(4)
    with ExitStack() as kept:
        report = _reporter(web, kept)
        session = kept.enter_context(requests.Session())
        session.trust_env = False
        yield [_paid(session, gateway, slot, report, name=f"{run}-{customer}") for customer in range(number)]


def _paid(session: requests.Session, gateway: str, slot: Slot, report: Callable[..., None], *, name: str) -> Call:
    customer = User.objects.create(username=name, email=f"{name}@example.com")
    outbox.change_contact(customer, phone="+14155550123")
    token = give_token(customer)
    order = orders.open_order(user=customer, slot_id=slot.pk, quantity=1)
    receipt = session.post(f"{gateway}/v1/orders/{order.gateway_order_id}/pay", json={}, timeout=30)
    receipt.raise_for_status()
    return lambda: report(receipt.content, token)


def _reporter(web: str, kept: ExitStack) -> Callable[..., None]:
    """Posts a payment's receipt, on a connection that each thread keeps, as a proxy in front of the web does."""
    own = threading.local()
    host = web.removeprefix("http://")

    def report(receipt: bytes, token: str) -> None:
        if not hasattr(own, "connection"):
            own.connection = kept.enter_context(closing(http.client.HTTPConnection(host, timeout=30)))
        headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        own.connection.request("POST", "/api/payments/verify/", receipt, headers)
        answer = own.connection.getresponse()
        said = answer.read()
        if answer.status != 201:
            raise NotBooked(f"a verification was answered with {answer.status}: {said[:300]!r}")

    return report
