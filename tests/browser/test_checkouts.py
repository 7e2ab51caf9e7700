"""The gateways' own forms on the order's page, in a real browser, under a strict Content-Security-Policy.

Their scripts are local stand-ins (tests/stage/checkouts), served under the real addresses: what the policy does not
allow is refused, and fails the test.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import RequestFactory

from bookings.checkouts import FORMS, csp_sources
from bookings.models import Booking, Order, Payment
from config.unavailable import answer
from tests.browser.test_customer_pages import sign_in
from tests.factories.bookings import SlotFactory
from tests.gateways.conftest import Stage, razorpay_stage, stripe_stage  # noqa: F401  (fixtures)
from tests.stage import razorpay

pytestmark = pytest.mark.django_db(transaction=True)

SCRIPTS = Path(__file__).resolve().parent.parent / "stage" / "checkouts"
STRICT = {
    "default-src": ("'none'",),
    "script-src": ("'self'",),
    "style-src": ("'self'",),
    "img-src": ("'self'", "data:"),
    "connect-src": ("'self'",),
    "frame-src": (),
    "form-action": ("'self'",),
    "base-uri": ("'none'",),
}


def policy(gateway: str) -> str:
    added = csp_sources(gateway)
    return "; ".join(" ".join((name, *STRICT[name], *added.get(name, ()))) for name in STRICT)


class Customer:
    """A customer with an open order, and what the gateway will make of the payment."""

    def __init__(self, stage: Stage, page: Any) -> None:
        self.stage, self.page = stage, page
        self.outcome = "paid"
        self.told: list[dict[str, Any]] = []
        self.wrong: list[str] = []
        self.is_script_there = True

    def order(self) -> Order:
        """Order a seat; the order's page is open then."""
        sign_in(self.page)
        self.page.click(".day .card a")
        self.page.click("text=Continue to payment")
        self.page.wait_for_url("**/orders/*/")
        order = Order.objects.get()
        self._order_id = order.gateway_order_id
        return order

    def pay(self) -> None:
        self.page.focus("#checkout button")
        self.page.keyboard.press("Enter")

    def gateway(self, options: dict[str, Any]) -> dict[str, Any]:
        """What the gateway's script calls when the customer pays. No look at the database: this is another context."""
        self.told.append(options)
        if self.outcome != "paid":
            return {self.outcome: "Your card was declined."}
        receipt = self.stage.pay(self._order_id)
        if self.stage.name == "stripe":
            return {"paid": {"id": receipt["payment_id"]}}
        names = ("order_id", "payment_id", "signature")
        return {"paid": {f"razorpay_{name}": receipt[name] for name in names}}

    def serve(self, route: Any) -> None:
        """The gateway's hosts, and the order's page with the policy."""
        request = route.request
        if request.url == FORMS[self.stage.name].script:
            script = (SCRIPTS / f"{self.stage.name}.js").read_text()
            route.fulfill(body=script, content_type="text/javascript") if self.is_script_there else route.abort()
        elif "/orders/" in request.url and request.method == "GET":
            answer = route.fetch(max_redirects=0)
            route.fulfill(
                response=answer, headers=answer.headers | {"content-security-policy": policy(self.stage.name)}
            )
        elif "razorpay.com" in request.url or "stripe.com" in request.url:
            route.fulfill(body="<p>the gateway", content_type="text/html", headers={"access-control-allow-origin": "*"})
        else:
            route.continue_()


@pytest.fixture(params=["razorpay", "stripe"])
def customer(request: pytest.FixtureRequest, browser: Any, live_server: Any, settings: Any) -> Iterator[Customer]:
    stage = request.getfixturevalue(f"{request.param}_stage")
    settings.STRIPE_PUBLISHABLE_KEY = "pk_test_of_the_tests"
    cache.clear()
    SlotFactory()
    User.objects.create_user("ann", "ann@example.com", "a pass phrase")
    page = browser.new_page(viewport={"width": 360, "height": 740}, base_url=live_server.url)
    made = Customer(stage, page)
    page.on("pageerror", lambda error: made.wrong.append(str(error)))
    page.on("console", lambda said: made.wrong.append(said.text) if said.type == "error" else None)
    page.expose_function("__gateway", made.gateway)
    page.route("**/*", made.serve)
    yield made
    page.close()
    assert made.wrong == []


def test_an_order_is_paid_in_the_gateways_form_and_booked(customer: Customer) -> None:
    order = customer.order()
    assert Axe().run(customer.page).violations_count == 0
    assert customer.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    customer.pay()
    customer.page.wait_for_url("**/bookings/*/")
    assert "Paid and booked." in customer.page.inner_text("main")
    assert (Booking.objects.get().order_id, Payment.objects.count()) == (order.pk, 1)
    (told,) = customer.told
    if customer.stage.name == "razorpay":
        wanted = {"key": razorpay.KEY_ID, "order_id": order.gateway_order_id, "amount": 1250, "currency": "EUR"}
        assert told | wanted == told
    else:
        assert told["key"] == "pk_test_of_the_tests"
        assert told["client_secret"].startswith(order.gateway_order_id)
        assert told["return_url"] == customer.page.url.partition("/bookings/")[0] + f"/orders/{order.pk}/"


def test_a_payment_that_is_declined_can_be_tried_again(customer: Customer) -> None:
    customer.order()
    customer.outcome = "failed"
    customer.pay()
    problem = customer.page.locator("#checkout-problem", has_text="Your card was declined.")
    problem.wait_for()
    assert problem.get_attribute("role") == "status", "read aloud"
    assert Booking.objects.count() == 0
    if customer.stage.name == "stripe":  # Razorpay's own form stays open, and takes another card
        customer.outcome = "paid"
        customer.pay()
        customer.page.wait_for_url("**/bookings/*/")


@pytest.mark.parametrize("customer", ["razorpay"], indirect=True)
def test_a_form_that_is_closed_can_be_opened_again(customer: Customer) -> None:
    customer.order()
    customer.outcome = "dismissed"
    customer.pay()
    customer.page.wait_for_selector("text=Your seats are still held.")
    customer.outcome = "paid"
    customer.pay()
    customer.page.wait_for_url("**/bookings/*/")


def test_a_script_that_does_not_load_is_said_to(customer: Customer) -> None:
    customer.is_script_there = False
    customer.order()
    customer.page.wait_for_selector("text=form could not be loaded")
    assert customer.page.is_disabled("#checkout button")
    assert all("Failed to load resource" in each for each in customer.wrong)
    customer.wrong.clear()


@pytest.mark.parametrize("customer", ["stripe"], indirect=True)
def test_who_comes_back_from_a_banks_page_is_booked(customer: Customer) -> None:
    order = customer.order()
    receipt = customer.stage.pay(order.gateway_order_id)
    returned = f"payment_intent={receipt['payment_id']}&payment_intent_client_secret={receipt['signature']}"
    customer.page.goto(f"/orders/{order.pk}/?{returned}&redirect_status=succeeded")
    customer.page.wait_for_url("**/bookings/*/")
    assert Booking.objects.get().order_id == order.pk


def test_a_forged_report_books_nothing(customer: Customer) -> None:
    order = customer.order()
    customer.page.evaluate("checkout.report({ payment: checkout.told.order_id || 'pi_1', signature: 'forged' })")
    customer.page.wait_for_selector("text=The signature does not match this payment and order")
    assert customer.page.url.endswith(f"/orders/{order.pk}/")
    assert Booking.objects.count() == 0


@pytest.mark.parametrize("trouble", ["away", "offline"])
def test_who_has_paid_while_we_cannot_answer_is_booked_when_we_can(customer: Customer, trouble: str) -> None:
    customer.order()
    answers = iter([trouble, trouble])

    def report(route: Any) -> None:
        if (now := next(answers, None)) is None:
            route.continue_()
        elif now == "away":
            route.fulfill(status=503, body="not now", headers={"retry-after": "5"})
        else:
            route.abort()

    customer.page.route("**/paid/", report)
    customer.pay()
    customer.page.wait_for_selector("text=Do not pay again")
    customer.page.wait_for_url("**/bookings/*/")
    assert "Paid and booked." in customer.page.inner_text("main")
    assert (Booking.objects.count(), Payment.objects.count(), len(customer.told)) == (1, 1, 1)
    assert all("Failed to load resource" in each for each in customer.wrong)
    customer.wrong.clear()


@pytest.mark.parametrize("customer", ["razorpay"], indirect=True)
def test_a_page_that_could_not_be_shown_loads_again_by_itself(customer: Customer) -> None:
    order = customer.order()
    page = customer.page
    page.add_init_script("const later = setTimeout; window.setTimeout = (call) => later(call, 50);")
    away = iter([503, 503])

    def show(route: Any) -> None:
        if next(away, None) is None:
            route.continue_()
            return
        unavailable = answer(RequestFactory().get(f"/orders/{order.pk}/"))
        route.fulfill(status=503, body=unavailable.content.decode(), content_type="text/html")

    page.route(f"**/orders/{order.pk}/", show)
    page.goto(f"/orders/{order.pk}/")
    page.wait_for_selector("text=Your seats are held until")
    assert next(away, None) is None
    customer.wrong.clear()
