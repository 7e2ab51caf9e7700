"""While the database is away or read-only, nobody gets a 500: programs a problem with Retry-After, people a page that
says what to do; and afterwards all goes on where it stopped.
"""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client, RequestFactory
from pytest_django import Settings

from bookings import orders
from bookings.models import Booking, Order, Payment
from bookings.tokens import give_token
from config.unavailable import answer
from tests.api.problems import assert_problem
from tests.factories.bookings import CustomerFactory, SlotFactory, client_of
from tests.factories.notifications import RecipientFactory, publish_one
from tests.gateways.conftest import SandboxStage
from tests.stage.gateway import SECRET, GatewayProcess
from tests.stage.proxy import Proxy, url_through
from tests.stage.web import running_web
from tests.webhooks import twilio

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Paid:
    """A customer who has paid an order that nobody has heard of yet, signed in by token and in a browser; and staff."""

    customer: User
    order: Order
    receipt: dict[str, str]
    token: str
    cookies: dict[str, str]
    staffs_cookies: dict[str, str]


@pytest.fixture
def paid(payment_gateway: GatewayProcess) -> Paid:
    cache.clear()
    customer = CustomerFactory()
    order = orders.open_order(user=customer, slot_id=SlotFactory().pk, quantity=1)
    receipt, cookies = payment_gateway.pay(order.gateway_order_id), _cookies(customer, "Customer")
    staffs = _cookies(User.objects.create_superuser("boss"), "Staff")
    return Paid(customer, order, receipt, give_token(customer), cookies, staffs)


def _cookies(user: User, door: str) -> dict[str, str]:
    browser = Client()
    browser.force_login(user, backend=f"config.auth_backends.{door}Backend")
    return {name: cookie.value for name, cookie in browser.cookies.items()} | {"csrftoken": "c" * 32}


def is_unavailable(answer: requests.Response) -> bool:
    return answer.status_code == 503 and answer.json()["code"] == "unavailable" and _says_when(answer)


def is_a_page(answer: requests.Response) -> bool:
    return answer.status_code == 503 and "do not pay again" in answer.text and _says_when(answer)


def _says_when(answer: requests.Response) -> bool:
    return int(answer.headers["Retry-After"]) > 0


def programs(web: str, paid: Paid, event: tuple[bytes, dict[str, str]]) -> dict[str, Callable[[], requests.Response]]:
    """What programs ask; each is safe to ask again."""
    api = {"headers": {"Authorization": f"Token {paid.token}"}, "timeout": 30}
    wish = {"slot": paid.order.slot_id, "quantity": 1}
    login = {"username": paid.customer.username, "password": "a long pass phrase"}
    body, headers = event
    signed = {"Content-Type": "application/json"} | headers
    return {
        "slots": lambda: requests.get(f"{web}/api/slots/", timeout=30),
        "orders": lambda: requests.post(f"{web}/api/orders/", json=wish, **api),
        "verify": lambda: requests.post(f"{web}/api/payments/verify/", json=paid.receipt, **api),
        "bookings": lambda: requests.get(f"{web}/api/bookings/", **api),
        "cancel": lambda: requests.post(f"{web}/api/bookings/1/cancel/", **api),
        "me": lambda: requests.patch(f"{web}/api/me/", json={"locale": "de"}, **api),
        "token": lambda: requests.post(f"{web}/api/auth/token/", json=login, timeout=30),
        "webhook": lambda: requests.post(f"{web}/webhooks/payments/sandbox/", data=body, headers=signed, timeout=30),
    }


def people(web: str, paid: Paid) -> dict[str, Callable[[], requests.Response]]:
    """What people open and send in their browser."""
    browser = {"cookies": paid.cookies, "timeout": 30, "allow_redirects": False}
    form = {"csrfmiddlewaretoken": "c" * 32}
    proof = form | {"payment_id": paid.receipt["payment_id"], "signature": paid.receipt["signature"]}
    order = f"{web}/orders/{paid.order.pk}"
    login = form | {"username": "ann", "password": "a secret"}
    return {
        "home": lambda: requests.get(f"{web}/", timeout=30),
        "bookings": lambda: requests.get(f"{web}/bookings/", **browser),
        "order": lambda: requests.get(f"{order}/", **browser),
        "paid": lambda: requests.post(f"{order}/paid/", data=proof, **browser),
        "pay": lambda: requests.post(f"{order}/pay/", data=form, **browser),
        "login": lambda: requests.post(f"{web}/login/", data=login, **browser),
        "admin": lambda: requests.get(f"{web}/admin/bookings/order/", **browser | {"cookies": paid.staffs_cookies}),
        "admin login": lambda: requests.post(f"{web}/admin/login/", data=login, **browser),
    }


def test_nobody_gets_a_500_while_the_database_is_away_and_who_has_paid_is_booked_afterwards(
    paid: Paid, payment_gateway: GatewayProcess, proxy: Proxy, database_url: str
) -> None:
    environment = {
        "DATABASE_URL": url_through(proxy.port, database_url),
        "SANDBOX_GATEWAY_URL": payment_gateway.url,
        "SANDBOX_GATEWAY_SECRET": SECRET,
        "DJANGO_DEBUG": "1",  # plain cookies: there is no TLS here
    }
    event = SandboxStage("sandbox", payment_gateway).event(paid.receipt["payment_id"])
    with running_web(**environment) as web:
        asked, shown = programs(web, paid, event), people(web, paid)
        assert asked["bookings"]().status_code == 200
        assert shown["bookings"]().status_code == 200
        proxy.cut()
        assert {name: is_unavailable(ask()) for name, ask in asked.items()} == dict.fromkeys(asked, True)
        assert {name: is_a_page(show()) for name, show in shown.items()} == dict.fromkeys(shown, True)
        assert "a secret" not in shown["login"]().text
        assert requests.get(f"{web}/healthz", timeout=30).status_code == 200
        assert requests.get(f"{web}/readyz", timeout=30).status_code == 503
        assert not Payment.objects.exists()
        proxy.mend()
        again = shown["paid"]()
        assert again.headers["Location"] == f"/bookings/{Booking.objects.get().pk}/"
        assert asked["verify"]().status_code == 200
        assert asked["webhook"]().json() == {"outcome": "handled"}
    assert (Booking.objects.count(), Payment.objects.count()) == (1, 1)


def test_a_database_that_says_nothing_is_unavailable_within_seconds(
    paid: Paid, payment_gateway: GatewayProcess, proxy: Proxy, database_url: str
) -> None:
    """Its processes are stopped: it keeps each connection, takes new ones, and answers none."""
    environment = {"DATABASE_URL": url_through(proxy.port, database_url), "DJANGO_DEBUG": "1"}
    gateway = {"SANDBOX_GATEWAY_URL": payment_gateway.url, "SANDBOX_GATEWAY_SECRET": SECRET}
    event = SandboxStage("sandbox", payment_gateway).event(paid.receipt["payment_id"])
    with running_web(**environment, **gateway) as web, ThreadPoolExecutor(8) as clients:
        asked, shown = programs(web, paid, event), people(web, paid)
        some = [asked["slots"], asked["verify"], asked["webhook"], shown["bookings"], shown["paid"]]
        assert {send().status_code for send in some[:1] + some[3:4]} == {200}
        proxy.hush()
        for _ in range(2):  # on connections that were open, and on new ones
            answers = list(clients.map(lambda send: send(), some))
            assert [is_unavailable(each) for each in answers[:3]] == [True] * 3
            assert [is_a_page(each) for each in answers[3:]] == [True] * 2
            assert max(each.elapsed.total_seconds() for each in answers) < 10
        proxy.mend()
        assert asked["verify"]().status_code == 201


@pytest.fixture
def read_only() -> Iterator[Callable[[], None]]:
    """As after a failover behind one address: the connection is kept, and leads to a standby."""
    yield lambda: connection.cursor().execute("SET default_transaction_read_only = on")
    connection.close()


def test_a_read_only_database_is_unavailable_to_who_wants_to_write(paid: Paid, read_only: Any) -> None:
    api = client_of(paid.customer)
    for send in (
        lambda: api.post("/api/orders/", {"slot": paid.order.slot_id, "quantity": 1}),
        lambda: api.post("/api/payments/verify/", paid.receipt),
        lambda: api.patch("/api/me/", {"locale": "de"}),
    ):
        read_only()
        said: Any = send()
        assert_problem(said, 503, "unavailable")
        assert int(said["Retry-After"]) > 0
    assert api.post("/api/payments/verify/", paid.receipt).status_code == 201, "the next has a connection of its own"


def test_a_read_only_database_shows_what_it_has(paid: Paid, read_only: Any) -> None:
    read_only()
    assert client_of(paid.customer).get("/api/bookings/").status_code == 200
    assert Client().get("/").status_code == 200


def test_the_page_keeps_what_may_be_sent_again_and_nothing_else(paid: Paid, read_only: Any) -> None:
    browser = Client()
    browser.force_login(paid.customer)
    proof = {"payment_id": paid.receipt["payment_id"], "signature": paid.receipt["signature"]}
    read_only()
    page = browser.post(f"/orders/{paid.order.pk}/paid/", proof)
    assert page.status_code == 503
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.content.decode()))
    assert fields == proof
    assert browser.post(f"/orders/{paid.order.pk}/paid/", fields).status_code == 302
    assert Booking.objects.count() == 1


def test_signing_in_keeps_no_password_in_the_page(read_only: Any) -> None:
    User.objects.create_user("ann", password="a long pass phrase")
    read_only()
    page = Client().post("/login/", {"username": "ann", "password": "a long pass phrase"})
    assert page.status_code == 503
    assert "a long pass phrase" not in page.content.decode()


def test_paying_again_after_an_answer_that_was_lost_pays_once(paid: Paid) -> None:
    """The sandbox's page pays by itself; it looks first whether it has paid."""
    browser = Client()
    browser.force_login(paid.customer)
    assert browser.post(f"/orders/{paid.order.pk}/pay/").status_code == 302
    assert Booking.objects.get().payment.payment_id == paid.receipt["payment_id"]
    assert Payment.objects.count() == 1


def test_twilio_is_told_to_come_again(settings: Settings, read_only: Any) -> None:
    settings.PUBLIC_URL, settings.TWILIO_AUTH_TOKEN = twilio.PUBLIC_URL, twilio.AUTH_TOKEN
    settings.TWILIO_ACCOUNT_SID = twilio.ACCOUNT_SID
    message = publish_one(RecipientFactory(phone="+14155552671"))
    for send in (
        lambda: twilio.tell("delivered", message=message.pk),
        lambda: twilio.post(twilio.INBOUND, twilio.inbound_fields("STOP")),
    ):
        read_only()
        said: Any = send()
        assert_problem(said, 503, "unavailable")
        assert int(said["Retry-After"]) > 0


def test_somebody_who_follows_a_link_to_a_webhooks_address_gets_a_page() -> None:
    browser = RequestFactory().get("/webhooks/unsubscribe/x/", headers={"Accept": "text/html,*/*"})
    program = RequestFactory().post("/webhooks/unsubscribe/x/", headers={"Accept": "*/*"})
    assert [answer(each)["Content-Type"].partition(";")[0] for each in (browser, program)] == [
        "text/html",
        "application/problem+json",
    ]


def test_an_error_that_will_not_pass_is_still_a_500(paid: Paid, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bookings.verification.verify", lambda **_: connection.cursor().execute("SELECT nothing"))
    api = client_of(paid.customer)
    api.raise_request_exception = False
    assert api.post("/api/payments/verify/", paid.receipt).status_code == 500
