"""G12: phone numbers, addresses, names, texts and secrets do not reach the logs, whoever writes to them.

A full run, of web, relay and schedules, with failures of each channel, webhooks, bad input and errors nobody caught;
then everything that any process printed is searched for everything personal that was used.
"""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from django.contrib.auth.models import User

from bookings.models import Slot
from notifications import outbox
from notifications.models import DeliveryAttempt, OutboxMessage
from notifications.sandbox.client import SandboxClient
from tests.factories.bookings import SlotFactory
from tests.stage.gateway import SECRET, GatewayProcess
from tests.stage.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]

ROOT = Path(__file__).resolve().parent.parent.parent
PHONE, EMAIL, FIRST, LAST = "+14155559876", "zdenka.hruba@privat.example", "Zdenka", "Hrubá"
PASSWORD, TITLE, WORDS = "a-password-nobody-guesses", "Moonlit Zephyr Paddle", "please call my neighbour Oldřich"
KEY = "the secret key of this run, which no line may show, long enough to sign with"
FAILURES: list[dict[str, Any]] = [
    {"channel": "sms", "status": 400, "code": 21211, "message": f"The 'To' number {PHONE} is not valid."},
    {"channel": "whatsapp", "status": 503, "message": f"no route to {PHONE}", "times": 1},
    {"channel": "whatsapp", "reset": True, "times": 1},
    {"channel": "email", "smtp": 451, "message": f"{EMAIL} is greylisted", "at": "rcpt", "times": 1},
    {"channel": "email", "smtp": 550, "message": f"<{EMAIL}>: user {FIRST} unknown", "at": "rcpt"},
]
PRODUCTION = {"DJANGO_DEBUG": "0", "LOG_FORMAT": "json", "LOG_LEVEL": "DEBUG"}
DEVELOPMENT = {"DJANGO_DEBUG": "1", "LOG_FORMAT": "line", "LOG_LEVEL": "DEBUG", "LOG_SQL": "1"}


class Processes:
    """Everything that runs, and all that it prints."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder, self._environment = folder, os.environ | environment
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, settings: dict[str, str], *command: str, inherit: tuple[int, ...] = ()) -> None:
        with (self._folder / name).open("wb") as output:
            self._running.append(
                subprocess.Popen(
                    [sys.executable, *command],
                    cwd=ROOT,
                    env=self._environment | settings,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    pass_fds=inherit,
                )
            )

    def start_web(self, name: str, settings: dict[str, str]) -> str:
        """Its address."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            number = listening.fileno()
            web = ("-m", "gunicorn", "config.wsgi", "--bind", f"fd://{number}", "--threads", "4", "--no-control-socket")
            self.start(name, settings, *web, inherit=(number,))
            return f"http://127.0.0.1:{listening.getsockname()[1]}"

    def stop(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(timeout=40)

    def printed(self) -> dict[str, str]:
        return {file.name: file.read_text(errors="replace") for file in self._folder.iterdir()}


@pytest.fixture
def customer(transactional_db: None) -> User:
    User.objects.create_superuser("staff.h", EMAIL, PASSWORD, first_name=FIRST, last_name=LAST)
    user = User.objects.create_user("zdenka.h", EMAIL, PASSWORD, first_name=FIRST, last_name=LAST)
    outbox.change_contact(user, phone=PHONE, email=EMAIL)
    return user


@pytest.fixture
def processes(
    database_url: str, payment_gateway: GatewayProcess, providers: SandboxClient, tmp_path: Path
) -> Iterator[Processes]:
    """Starts what the test asks for, on the settings as they are shipped."""
    environment = {
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "tests.stage.leaky_settings",
        "DJANGO_SECRET_KEY": KEY,
        "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
        "DJANGO_SSL_REDIRECT": "0",
        "PAYMENT_GATEWAY": "sandbox",
        "ALLOW_UNPAID_BOOKINGS": "1",
        "SANDBOX_GATEWAY_URL": payment_gateway.url,
        "SANDBOX_GATEWAY_SECRET": SECRET,
        "SMS_PROVIDER": "twilio",
        "WHATSAPP_PROVIDER": "twilio",
        "TWILIO_ACCOUNT_SID": providers.account_sid,
        "TWILIO_AUTH_TOKEN": providers.auth_token,
        "TWILIO_API_URL": providers.http_url,
        "TWILIO_SMS_FROM": "+14155550000",
        "TWILIO_WHATSAPP_FROM": "+14155550001",
        "EMAIL_URL": providers.email_url,
        "OUTBOX_DEFERRAL_SECONDS": "0.1",
        "OUTBOX_BACKOFF_SECONDS": "0.1",
    }
    processes = Processes(tmp_path, environment)
    yield processes
    processes.stop()


def live_through_a_day(web: str, gateway: GatewayProcess, slot: Slot) -> str:
    """What a customer, a member of the staff, providers and a stranger do; returns the customer's API token."""
    session = requests.Session()
    assert session.get(f"{web}/readyz", timeout=60).ok
    session.post(f"{web}/api/auth/token/", json={"username": "zdenka.h", "password": PASSWORD + "?"}, timeout=30)
    answer = session.post(f"{web}/api/auth/token/", json={"username": "zdenka.h", "password": PASSWORD}, timeout=30)
    token = answer.json()["token"]
    session.headers["Authorization"] = f"Token {token}"
    order = session.post(f"{web}/api/orders/", json={"slot": slot.pk, "quantity": 1}, timeout=30).json()
    receipt = gateway.pay(order["order_id"])
    session.post(f"{web}/api/payments/verify/", json=receipt | {"signature": "0" * 64}, timeout=30)
    verified = session.post(f"{web}/api/payments/verify/", json=receipt, timeout=30)
    assert verified.status_code in {200, 201}  # 200: the webhook came first
    session.patch(f"{web}/api/me/", json={"phone": f"{PHONE} {FIRST}", "email": f"{EMAIL}@"}, timeout=30)
    session.post(f"{web}/api/orders/", data=f'{{"slot": "{FIRST}", ', timeout=30)
    session.get(f"{web}/nowhere/", params={"phone": PHONE, "name": FIRST, "email": EMAIL}, timeout=30)
    for address in ("row", "rule", "name"):
        assert session.get(f"{web}/leaky/{address}/", params={"q": EMAIL}, timeout=30).status_code == 500
    heard = {"From": PHONE, "To": "+14155550000", "Body": WORDS, "MessageSid": "SM" + "0" * 32}
    for address in ("webhooks/twilio/inbound/", "webhooks/twilio/status/", "webhooks/payments/sandbox/"):
        session.post(f"{web}/{address}", data=heard, headers={"X-Twilio-Signature": "bm8="}, timeout=30)
    search_as_staff(web)
    return str(token)


def search_as_staff(web: str) -> None:
    session = requests.Session()
    page = session.get(f"{web}/admin/login/", timeout=30).text
    found = re.search('name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found
    login = {"username": "staff.h", "password": PASSWORD, "csrfmiddlewaretoken": found[1]}
    session.post(f"{web}/admin/login/", data=login, timeout=30)  # refused where cookies want TLS
    for sought in (PHONE, EMAIL):
        session.get(f"{web}/admin/notifications/outboxmessage/", params={"q": sought}, timeout=30)
    session.post(f"{web}/admin/login/", data=login | {"csrfmiddlewaretoken": "wrong"}, timeout=30)


def spellings(personal: str) -> set[str]:
    """How a text may stand in a log."""
    return {personal, quote(personal), json.dumps(personal)[1:-1], personal.removeprefix("+")}


def test_a_full_run_prints_nothing_personal(
    customer: User, payment_gateway: GatewayProcess, providers: SandboxClient, processes: Processes
) -> None:
    """Side by side as in production and as in development, with all that each can be made to say."""
    for rule in FAILURES:
        providers.add_rule(**rule)
    slot = SlotFactory(title=TITLE)
    webs = [processes.start_web("web", PRODUCTION), processes.start_web("web, debug", DEVELOPMENT)]
    processes.start("relay", PRODUCTION, "manage.py", "run_outbox_relay", "--channel", "sms", "email")
    processes.start("relay, debug", DEVELOPMENT, "manage.py", "run_outbox_relay", "--channel", "whatsapp")
    processes.start("qcluster", DEVELOPMENT, "manage.py", "qcluster")
    tokens = [live_through_a_day(web, payment_gateway, slot) for web in webs]
    wait_until(lambda: OutboxMessage.objects.filter(status__in=["sent", "failed"]).count() == 6, seconds=60)
    wait_until(lambda: processes.printed()["qcluster"].count("Traceback") >= 3, seconds=60)
    processes.stop()
    printed = processes.printed()
    assert_it_says_something(printed)
    personal = [PHONE, EMAIL, FIRST, LAST, TITLE, WORDS, PASSWORD, KEY, SECRET, providers.auth_token, *tokens]
    personal += [providers.account_sid, customer.password]
    for name, text in printed.items():
        for spelling in set().union(*map(spellings, personal)):
            lines = [line for line in text.splitlines() if spelling.lower() in line.lower()]
            assert not lines, f"{name} printed {spelling!r}: {lines[0][:2000]}"
    details = " ".join(DeliveryAttempt.objects.values_list("detail", flat=True))
    assert "greylisted" in details
    assert not [each for each in (PHONE, EMAIL) if each in details], "nor do the attempts keep them"


def assert_it_says_something(printed: dict[str, str]) -> None:
    """Else the search would find nothing because nothing is there."""
    for name in ("web", "web, debug", "qcluster"):
        for error in ("UniqueViolation", "CheckViolation", "ValueError: cannot read '…'", "could not reach … at …"):
            assert error in printed[name], (name, error)
    records = {name: list(map(json.loads, printed[name].splitlines())) for name in ("web", "relay")}
    accesses = [record["message"] for record in records["web"] if record["logger"] == "gunicorn.access"]
    assert any('"GET /nowhere/" 404' in access for access in accesses)
    (failure, *_) = [record for record in records["web"] if "CheckViolation" in record.get("exception", "")]
    assert failure["request_id"]
    assert 'File "' in failure["exception"]
    (ended, *_) = [record for record in records["relay"] if record.get("event") == "message.failed"]
    assert ended["outbox"].keys() >= {"message", "claim", "channel", "kind", "code"}
    assert "message.retry" in printed["relay, debug"]
    assert "INSERT INTO" in printed["web, debug"], "statements are logged"
    assert "'…'" in printed["web, debug"], "without their values"


def test_an_error_that_ends_a_process_is_discreet_too(customer: User, database_url: str) -> None:
    environment = {"DATABASE_URL": database_url, "DJANGO_DEBUG": "1", "DJANGO_SETTINGS_MODULE": "config.settings"}
    code = "from tests.stage.leaky import break_a_rule; break_a_rule()"
    ended = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", code],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "CheckViolation" in ended.stderr
    assert 'File "' in ended.stderr
    for personal in (PHONE, EMAIL):
        assert personal not in ended.stderr
