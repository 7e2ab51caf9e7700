"""Every route, by every method, as a stranger and as nobody. A new route fails until ACCESS says who may use it."""

import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import Settings

from bookings.models import Booking, Order, Payment
from bookings.sign_ins import SignIn
from bookings.tokens import AccessToken, give_token
from config.rates import Rate
from tests.factories.bookings import CustomerFactory
from tests.stage.gateway import GatewayProcess


class Access(Enum):
    """Who gets an answer there, and with what in it."""

    PUBLIC = "the same for everyone: nothing of any customer's"
    OWN = "one customer's object: to anybody else it does not exist"
    SELF = "whatever belongs to who asks; nobody is asked to sign in"
    STAFF = "staff with a permission; everybody else is asked to sign in"
    STAFF_API = "staff with a permission; everybody else is refused"
    SIGNED = "machines that sign what they say, and who holds a link that we signed"
    TOKEN = "machines with a token, and staff"


ACCESS = {
    "": Access.PUBLIC,
    "slots/<int:pk>/": Access.PUBLIC,
    "orders/<int:pk>/": Access.OWN,
    "orders/<int:pk>/pay/": Access.OWN,
    "orders/<int:pk>/paid/": Access.OWN,
    "bookings/": Access.SELF,
    "bookings/<int:pk>/": Access.OWN,
    "bookings/<int:pk>/calendar.ics": Access.OWN,
    "bookings/<int:pk>/receipt.pdf": Access.OWN,
    "bookings/<int:pk>/code.png": Access.OWN,
    "bookings/<int:pk>/cancel/": Access.OWN,
    "language/": Access.PUBLIC,
    "logo/": Access.PUBLIC,
    "b/<str:token>/": Access.SIGNED,
    "b/<str:token>/calendar.ics": Access.SIGNED,
    "b/<str:token>/receipt.pdf": Access.SIGNED,
    "b/<str:token>/code.png": Access.SIGNED,
    "b/<str:token>/state/": Access.SIGNED,
    "b/<str:token>/cancel/": Access.SIGNED,
    "b/<str:token>/again/": Access.SIGNED,
    "bookings/<int:pk>/again/": Access.OWN,
    "c/<str:token>/": Access.SIGNED,
    "u/<str:token>/": Access.SIGNED,
    "accounts/guest/": Access.PUBLIC,
    "accounts/guest/code/": Access.PUBLIC,
    "accounts/login/": Access.PUBLIC,
    "accounts/login/code/": Access.PUBLIC,
    "accounts/login/code/enter/": Access.PUBLIC,
    "accounts/signup/": Access.PUBLIC,
    "accounts/signup/code/": Access.PUBLIC,
    "accounts/password/reset/": Access.PUBLIC,
    "accounts/password/reset/code/": Access.PUBLIC,
    "accounts/profile/": Access.SELF,
    "accounts/messages/": Access.SELF,
    "accounts/close/": Access.SELF,
    "accounts/push/": Access.SELF,
    "accounts/push/off/": Access.OWN,
    "accounts/security/": Access.SELF,
    "accounts/security/browsers/<int:pk>/end/": Access.OWN,
    "accounts/security/tokens/<int:pk>/end/": Access.OWN,
    "push-worker.js": Access.PUBLIC,
    "login/": Access.PUBLIC,
    "logout/": Access.PUBLIC,
    "api/auth/token/": Access.PUBLIC,
    "api/auth/code/": Access.PUBLIC,
    "api/accounts/codes/": Access.PUBLIC,
    "api/accounts/signup/": Access.PUBLIC,
    "api/accounts/guest/": Access.PUBLIC,
    "api/accounts/guest/proofs/": Access.PUBLIC,
    "api/accounts/password/reset/": Access.PUBLIC,
    "api/slots/": Access.PUBLIC,
    "api/slots/<int:pk>/": Access.PUBLIC,
    "api/orders/": Access.SELF,
    "api/payments/verify/": Access.SELF,
    "api/bookings/": Access.SELF,
    "api/bookings/<int:pk>/": Access.OWN,
    "api/bookings/<int:pk>/cancel/": Access.OWN,
    "api/me/": Access.SELF,
    "api/me/confirm/": Access.SELF,
    "api/me/security/": Access.SELF,
    "api/me/password/": Access.SELF,
    "api/me/close/": Access.SELF,
    "api/me/browsers/<int:pk>/": Access.OWN,
    "api/me/programs/<int:pk>/": Access.OWN,
    "api/schema/": Access.PUBLIC,
    "api/docs/": Access.PUBLIC,
    "api/^(?P<path>[\\s\\S]*)$": Access.PUBLIC,
    "webhooks/payments/<slug:name>/": Access.SIGNED,
    "webhooks/twilio/status/": Access.SIGNED,
    "webhooks/twilio/inbound/": Access.SIGNED,
    "webhooks/resend/": Access.SIGNED,
    "webhooks/sinch/": Access.SIGNED,
    "webhooks/meta/": Access.SIGNED,
    "webhooks/vonage/status/": Access.SIGNED,
    "webhooks/vonage/inbound/": Access.SIGNED,
    "webhooks/unsubscribe/<str:token>/": Access.SIGNED,
    "webhooks/media/<str:token>/": Access.SIGNED,
    "metrics": Access.TOKEN,
    "healthz": Access.PUBLIC,
    "readyz": Access.PUBLIC,
    "admin/login/": Access.PUBLIC,
    "admin/logout/": Access.PUBLIC,
    "admin/jsi18n/": Access.PUBLIC,
}
# Where a form is sent: whoever looks at such an address gets to the form's page, which says whether it is theirs.
FORMS = re.compile(
    r"(?:b/<str:token>|bookings/<int:pk>|orders/<int:pk>)/(?:cancel|again|pay|paid)/|accounts/.*/end/|accounts/push/.*"
)
WRITE_ONLY = ("cancel/", "again/", "pay/", "paid/", "end/", "off/", "browsers/<int:pk>/", "programs/<int:pk>/")
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
ALLOWED = {  # statuses that a stranger, and nobody, may be answered with; 405 is always right
    Access.PUBLIC: ({200, 302, 400, 404, 415}, {200, 302, 400, 404, 415}),
    Access.OWN: ({404}, {302, 401}),
    Access.SELF: ({200, 400, 415}, {302, 401}),
    Access.STAFF: ({302}, {302}),
    Access.STAFF_API: ({403}, {401}),
    Access.TOKEN: ({401}, {401}),
    Access.SIGNED: ({400, 403, 404, 415}, {400, 403, 404, 415}),
}


def routes(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        here = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, here)
        else:
            yield here


ROUTES = sorted(set(routes(get_resolver().url_patterns)))


def access_to(route: str) -> Access | None:
    if route.startswith("api/staff/"):
        return Access.STAFF_API
    return ACCESS.get(route) or (Access.STAFF if route.startswith("admin/") else None)


def test_every_route_is_classified() -> None:
    assert [route for route in ROUTES if access_to(route) is None] == [], "say in ACCESS who may use it"
    assert [route for route in ACCESS if route not in ROUTES] == [], "no longer a route"


NUMBER = 1_000_000_000  # of all that the customer has: none that a stranger's session gets by chance


@pytest.fixture
def booking(api: Any, customer: User, order: dict[str, Any], payment_gateway: GatewayProcess) -> Booking:
    """A booking, its order, and a browser and a program of its customer, one number for all: any address is theirs."""
    api.post("/api/payments/verify/", payment_gateway.pay(order["order_id"]))
    with transaction.atomic():  # the database compares what refers to what when it ends
        Order.objects.update(id=NUMBER)
        Payment.objects.update(order_id=NUMBER)
        Booking.objects.update(id=NUMBER, order_id=NUMBER)
    browser = Client()
    browser.force_login(customer)
    browser.get("/bookings/")
    give_token(customer)
    assert [model.objects.update(id=NUMBER) for model in (SignIn, AccessToken)] == [1, 1]
    return Booking.objects.select_related("order", "payment", "user").get()


def address(route: str, pk: int) -> str:
    route = re.sub(r"\(\?P<\w+>(\w*)[^)]*\)", lambda found: found[1] or "anything/", route)
    return "/" + re.sub(r"<int:pk>|<path:object_id>", str(pk), route).translate(str.maketrans("", "", "^$")).replace(
        "<slug:name>", "sandbox"
    )


def part_of(route: str) -> str:
    """Where a route is: one booking serves all routes of a part."""
    first, *more = route.split("/")
    return f"{first}/{more[0]}" if first in {"admin", "api"} and more else first


@pytest.mark.parametrize("part", sorted(set(map(part_of, ROUTES))))
def test_nobody_else_gets_or_changes_a_customers_things(
    booking: Booking, everything_written: Callable[[], dict[str, int]], settings: Settings, part: str
) -> None:
    settings.RATES = dict.fromkeys(settings.RATES, Rate(1_000_000, 60))
    before = everything_written()
    for route in (each for each in ROUTES if part_of(each) == part):
        access, where = access_to(route), address(route, booking.pk)
        assert access is not None
        harmless = {302} if FORMS.fullmatch(route) else set()
        for who, allowed in zip((CustomerFactory(), None), ALLOWED[access], strict=True):
            answers_nothing_of_it(booking, where, who, allowed, when_looked_at=harmless)
        booking.refresh_from_db()
        assert (where, booking.status, everything_written()) == (where, "confirmed", before)
        assert all(model.objects.filter(pk=NUMBER).exists() for model in (SignIn, AccessToken)), where


def answers_nothing_of_it(
    booking: Booking, where: str, who: User | None, allowed: set[int], *, when_looked_at: set[int]
) -> None:
    """Whether `who`, or nobody, gets an answer that is allowed and tells nothing, whatever the method."""
    client = Client()
    if who:
        client.force_login(who)
    for method in METHODS:
        answer = getattr(client, method)(where)
        said = f"{'a stranger' if who else 'nobody'}: {method} {where}: {answer.status_code} {answer.content[:200]!r}"
        also = {"options": {200}, "get": when_looked_at, "head": when_looked_at}.get(method, set())
        assert answer.status_code in allowed | {405} | also, said
        for trace in (booking.order.gateway_order_id, booking.payment.payment_id, booking.user.email):
            assert trace.encode() not in answer.content, said


def test_the_owner_gets_what_others_do_not(booking: Booking) -> None:
    """Else the test above would pass with every address broken."""
    client = Client()
    client.force_login(booking.user)
    for route, access in ACCESS.items():
        if access is Access.OWN and not route.endswith(WRITE_ONLY):
            answer = client.get(address(route, booking.pk), follow=True)
            assert answer.status_code == 200, route
