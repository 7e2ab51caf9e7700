"""Measures what a customer waits for who reports a payment: over HTTP, from gunicorn, with the gateway a process.

The endpoint is the same for all; what differs is how it announces the booking: `outbox.publish` in the payment's
transaction, or three tasks after it (celery_web.py). Payments come at a steady rate, and each is timed from the moment
it was due; or as many are under way as the web has threads for, and then what counts is how many are answered. No
worker runs: what is announced waits.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.test.utils import override_settings

from tests.benchmarks.contenders.base import Contender
from tests.benchmarks.processes import ROOT
from tests.benchmarks.work import Failed, Missing, Work
from tests.stage.customers import Call, NotBooked, who_have_paid
from tests.stage.load import all_at_once, at_rate, percentile
from tests.stage.web import running_web

PER_SECOND = 50
WARM_UP = 50
APPLICATIONS = {"relay": "config.wsgi", "celery": "tests.benchmarks.celery_web"}
SECRET = "a secret of the benchmark"


def verification_ms(contender: Contender, *, samples: int) -> dict[str, float]:
    """From the moment a payment was reported to the answer with its booking. Raises Missing, Failed."""
    with _payments(contender, number=samples + WARM_UP) as calls:
        at_rate(calls[:WARM_UP], per_second=PER_SECOND)
        seconds = at_rate(calls[WARM_UP:], per_second=PER_SECOND)
    return {"verify_p50_ms": 1000 * percentile(seconds, 0.50), "verify_p99_ms": 1000 * percentile(seconds, 0.99)}


def most_per_second(contender: Contender, *, payments: int) -> float:
    """How many verifications a second are answered when always some wait to be. Raises Missing, Failed."""
    with _payments(contender, number=payments + WARM_UP) as calls:
        at_rate(calls[:WARM_UP], per_second=PER_SECOND)
        return payments / all_at_once(calls[WARM_UP:])


@contextmanager
def _payments(contender: Contender, *, number: int) -> Iterator[list[Call]]:
    """So many payments, each a call that reports it. Raises Missing; Failed if one is answered without a booking."""
    if contender.name not in APPLICATIONS:
        raise Missing("the endpoint uses only the outbox or Celery's .delay()")
    contender.prepare(Work(messages=0, users=1))
    with ExitStack() as stage:
        gateway = stage.enter_context(_gateway())
        stage.enter_context(override_settings(SANDBOX_GATEWAY_URL=gateway, SANDBOX_GATEWAY_SECRET=SECRET))
        environment = {"SANDBOX_GATEWAY_URL": gateway, "SANDBOX_GATEWAY_SECRET": SECRET, "LOG_LEVEL": "WARNING"}
        web = stage.enter_context(running_web(APPLICATIONS[contender.name], **environment))
        try:
            yield stage.enter_context(who_have_paid(gateway, web, number=number))
        except NotBooked as answer:
            raise Failed(str(answer)) from answer


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
