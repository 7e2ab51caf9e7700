"""Each process starts with its own secrets, says which one of them is missing, and does nobody else's work."""

import hashlib
import hmac

import pytest
from pytest_django import Settings

from bookings.errors import InvalidSignature
from bookings.gateways import gateway
from config.process import SECRETS
from tests.security.test_production_defaults import NEEDED, started

OWN = {  # of a shop with Stripe, Twilio and a mail server
    "web": {"DJANGO_SECRET_KEY", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "TWILIO_AUTH_TOKEN"},
    "relay": {"OUTBOX_LINK_KEY", "TWILIO_AUTH_TOKEN", "EMAIL_URL"},
    "tasks": {"DJANGO_SECRET_KEY", "STRIPE_SECRET_KEY"},
}


def environment(role: str, *, without: str = "") -> dict[str, str]:
    """What production needs, less the secrets that are not the role's own, and less one."""
    whole = NEEDED | {"OUTBOX_LINK_KEY": "another-secret", "TWILIO_ACCOUNT_SID": "AC" + 32 * "0"}
    gone = {name for name in SECRETS if name not in OWN[role]} | {without}
    return whole | {name: "" for name in gone if name and name != "ANYMAIL"} | {"DJANGO_PROCESS": role}


@pytest.mark.parametrize(("role", "name"), [(role, name) for role, names in OWN.items() for name in sorted(names)])
def test_the_secret_that_it_lacks_is_named_alone(role: str, name: str) -> None:
    ended = started(environment(role, without=name))

    assert ended.returncode != 0
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.count("is not set") == 1
    assert f"{name} is not set" in ended.stderr


def test_tasks_that_mail_the_administrators_need_a_mail_server() -> None:
    ended = started(environment("tasks") | {"DJANGO_ADMINS": "admin@example.com"})

    assert "EMAIL_URL is not set" in ended.stderr


def test_a_relay_with_a_key_for_links_has_none_for_sessions() -> None:
    """Its key is one that it made up: what it would sign with it opens nothing."""
    code = "from config import settings; print(len(settings.SECRET_KEY), settings.SECRET_KEY)"
    made_up = [started(environment("relay"), code=code).stdout.split() for _ in range(2)]

    assert all(int(length) > 50 for length, _ in made_up)
    assert made_up[0] != made_up[1]


@pytest.mark.parametrize(
    ("role", "command", "wanted"),
    [
        ("web", ["manage.py", "run_outbox_relay"], "relay"),
        ("tasks", ["manage.py", "run_outbox_clock"], "relay"),
        ("relay", ["manage.py", "qcluster"], "tasks"),
        ("relay", ["-m", "gunicorn", "config.wsgi", "--bind", "127.0.0.1:0"], "web"),
    ],
)
def test_no_process_does_anothers_work(role: str, command: list[str], wanted: str) -> None:
    ended = started(environment(role), command=command)

    assert ended.returncode != 0
    assert f"DJANGO_PROCESS is {role}. Set it to {wanted}" in ended.stderr


def test_a_role_that_nobody_knows_is_refused() -> None:
    assert "DJANGO_PROCESS must be one of all, web, relay, tasks, migrate" in started({"DJANGO_PROCESS": "web2"}).stderr


@pytest.mark.parametrize(("name", "header"), [("razorpay", "X-Razorpay-Signature"), ("stripe", "Stripe-Signature")])
def test_without_a_secret_for_events_every_one_is_refused_and_refunds_go_on(
    name: str, header: str, settings: Settings
) -> None:
    settings.RAZORPAY_KEY_ID, settings.RAZORPAY_KEY_SECRET = "rzp_test", "a-secret"
    settings.STRIPE_SECRET_KEY = "a-secret"
    settings.RAZORPAY_WEBHOOK_SECRET = settings.STRIPE_WEBHOOK_SECRET = ""
    body = b'{"id": "evt_1", "type": "charge.refunded"}'
    signed = hmac.new(b"", body, hashlib.sha256).hexdigest()

    with pytest.raises(InvalidSignature):
        gateway(name).read_event(body, {header: signed, "X-Razorpay-Event-Id": "evt_1"})
