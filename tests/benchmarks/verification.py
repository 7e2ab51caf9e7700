"""Measures what a customer waits for who reports a payment: over HTTP, from gunicorn, with the gateway a process.

The endpoint is the same for all; what differs is how it announces the booking: `outbox.publish` in the payment's
transaction, or three tasks after it (celery_web.py). Payments come at a steady rate, and each is timed from the moment
it was due. No worker runs: what is announced waits.
"""

import http.client
import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import requests
from django.contrib.auth.models import User
from django.test.utils import override_settings
from django.utils import timezone

from bookings import orders
from bookings.access import give_token
from bookings.models import Slot
from notifications import outbox
from tests.benchmarks.contenders.base import Contender
from tests.benchmarks.processes import ROOT
from tests.benchmarks.work import Failed, Missing, Work
from tests.stage.load import at_rate, percentile
from tests.stage.web import running_web

PER_SECOND = 50
WARM_UP = 50
APPLICATIONS = {"relay": "config.wsgi", "celery": "tests.benchmarks.celery_web"}
SECRET = "a secret of the benchmark"

Call = Callable[[], None]


def verification_ms(contender: Contender, *, samples: int) -> dict[str, float]:
    """From the moment a payment was reported to the answer with its booking. Raises Missing, Failed."""
    if contender.name not in APPLICATIONS:
        raise Missing("the endpoint announces by the outbox, or by Celery's .delay()")
    contender.prepare(Work(messages=0, users=1))
    with ExitStack() as stage:
        gateway = stage.enter_context(_gateway())
        stage.enter_context(override_settings(SANDBOX_GATEWAY_URL=gateway, SANDBOX_GATEWAY_SECRET=SECRET))
        environment = {"SANDBOX_GATEWAY_URL": gateway, "SANDBOX_GATEWAY_SECRET": SECRET, "DJANGO_DEBUG": "1"}
        web = stage.enter_context(running_web(APPLICATIONS[contender.name], **environment))
        calls = _customers(gateway, web, number=samples + WARM_UP)
        at_rate(calls[:WARM_UP], per_second=PER_SECOND)
        seconds = at_rate(calls[WARM_UP:], per_second=PER_SECOND)
    return {"verify_p50_ms": 1000 * percentile(seconds, 0.50), "verify_p99_ms": 1000 * percentile(seconds, 0.99)}


@contextmanager
def _gateway() -> Iterator[str]:
    """The sandbox gateway's address."""
    command = [sys.executable, "-m", "bookings.sandbox", "--port", "0"]
    environment = os.environ | {"SANDBOX_GATEWAY_SECRET": SECRET}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise Missing("the sandbox gateway's packages are not installed")
        try:
            yield json.loads(line)["url"]
        finally:
            process.terminate()


def _customers(gateway: str, web: str, *, number: int) -> list[Call]:
    """Customers who have paid, and what each will do: report it."""
    starts_at = timezone.now() + timedelta(days=30)
    slot = Slot.objects.create(
        title="Morning yoga", starts_at=starts_at, ends_at=starts_at + timedelta(hours=1), capacity=number, price=1250
    )
    report = _reporter(web)
    run = secrets.token_hex(4)
    with requests.Session() as session:
        session.trust_env = False
        return [_paid(session, gateway, slot, report, name=f"{run}-{customer}") for customer in range(number)]


def _paid(session: requests.Session, gateway: str, slot: Slot, report: Callable[..., None], *, name: str) -> Call:
    customer = User.objects.create(username=name, email=f"{name}@example.com")
    outbox.change_contact(customer, phone="+14155550123")
    token = give_token(customer)
    order = orders.open_order(user=customer, slot_id=slot.pk, quantity=1)
    receipt = session.post(f"{gateway}/v1/orders/{order.gateway_order_id}/pay", json={}, timeout=30)
    receipt.raise_for_status()
    return lambda: report(receipt.content, token)


def _reporter(web: str) -> Callable[..., None]:
    """Posts a payment's receipt, on a connection that each thread keeps, as a proxy in front of the web does."""
    kept = threading.local()
    host = web.removeprefix("http://")

    def report(receipt: bytes, token: str) -> None:
        if not hasattr(kept, "connection"):
            kept.connection = http.client.HTTPConnection(host, timeout=30)
        headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        kept.connection.request("POST", "/api/payments/verify/", receipt, headers)
        answer = kept.connection.getresponse()
        said = answer.read()
        if answer.status != 201:
            raise Failed(f"a verification was answered with {answer.status}: {said[:300]!r}")

    return report
