"""Secrets and addresses stay with those who need them."""

import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from bookings import verification
from bookings.errors import OrderNotFound
from bookings.gateways import gateway
from bookings.gateways.stripe import StripeGateway
from config import logs
from config.embedded import locks
from notifications.monitoring.metrics_server import serving
from tests.factories.bookings import CustomerFactory
from tests.factories.notifications import RecipientFactory, publish_one
from tests.security.test_production_defaults import NEEDED, started

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.mark.parametrize("form", [logs.Lines, logs.JsonLines])
@pytest.mark.parametrize("link", ["webhooks/unsubscribe", "accounts/password/reset"])
def test_a_link_that_needs_no_login_is_not_logged(form: Callable[[], logging.Formatter], link: str) -> None:
    line = f'127.0.0.1 "POST /{link}/WzEyLCJlbWFpbCJd:se-cret_/" 200 512 bytes 3 ms [id]'
    record = logging.LogRecord("gunicorn.access", logging.INFO, "", 0, line, None, None)
    record.request_id = "-"
    said = form().format(record)
    assert "WzEy" not in said
    assert "se-cret" not in said
    assert f"/{link}/…" in said


@pytest.mark.parametrize("form", [logs.Lines, logs.JsonLines])
@pytest.mark.parametrize("link", ["b/ya-sEcReTsEcRe_", "c/i1z-sEcReTsEcRe-", "u/a1-sEcReTsEcReT"])
def test_a_short_link_is_not_logged(form: Callable[[], logging.Formatter], link: str) -> None:
    line = f'127.0.0.1 "GET /{link}/state/" 200; https://book.example.com/{link}/'
    record = logging.LogRecord("gunicorn.access", logging.INFO, "", 0, line, None, None)
    record.request_id = "-"
    said = form().format(record)
    assert "sEcReT" not in said
    assert f"/{link[0]}/…" in said


@pytest.mark.django_db
class TestTheMessagePage:
    def page(self, *permissions: str) -> tuple[str, Any]:
        message = publish_one(RecipientFactory())
        user = User.objects.create_user("support", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=["view_outboxmessage", *permissions]))
        client = Client()
        client.force_login(user)
        address = reverse("admin:notifications_outboxmessage_change", args=[message.pk])
        return client.get(address).content.decode(), message.recipient

    def test_who_may_only_look_sees_a_hint_of_the_address(self) -> None:
        said, recipient = self.page()
        assert recipient.phone not in said
        assert f"{recipient.phone[:5]}…{recipient.phone[-2:]}" in said

    @pytest.mark.parametrize("permission", ["view_recipient", "change_recipient_address"])
    def test_who_sees_recipients_anyway_sees_it_whole(self, permission: str) -> None:
        said, recipient = self.page(permission)
        assert recipient.phone in said


@pytest.mark.parametrize(("proxies", "believed"), [("", "null"), ("0", "null"), ("1", "HTTP_X_FORWARDED_PROTO")])
def test_a_client_cannot_say_that_it_came_by_tls(proxies: str, believed: str) -> None:
    code = "from config import settings; print(getattr(settings, 'SECURE_PROXY_SSL_HEADER', 'null'))"
    ended = started(NEEDED | {"DJANGO_PROXIES": proxies} if proxies else NEEDED, code=code)
    assert believed in ended.stdout, ended.stderr


@pytest.mark.django_db
def test_no_gateway_is_asked_about_somebody_elses_order(monkeypatch: pytest.MonkeyPatch) -> None:
    assert StripeGateway.asks_about_signatures
    monkeypatch.setattr(type(gateway()), "asks_about_signatures", True)
    asked: list[Any] = []
    monkeypatch.setattr(type(gateway()), "has_signed", lambda *_, **words: bool(asked.append(words)) or True)
    with pytest.raises(OrderNotFound):
        verification.verify(user=CustomerFactory(), order_id="order_other", payment_id="pay_1", signature="0" * 64)
    assert asked == []


def test_nobody_else_can_hold_a_lock_of_ours(tmp_path: Path) -> None:
    """Whoever can open a file can lock it, and keep the database from starting."""
    lock, old = tmp_path / "server.lock", tmp_path / "old.lock"
    old.touch(mode=0o644)
    os.umask(os.umask(0))
    for path in (lock, old):
        os.close(locks.shared(path))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.stat().st_uid == tmp_path.stat().st_uid


@pytest.mark.parametrize(
    ("client", "token", "sent", "status"),
    [
        ("127.0.0.1", "", "", 200),
        ("::1", "t", "", 200),
        ("10.0.0.7", "", "", 401),
        ("10.0.0.7", "", "Bearer ", 401),
        ("10.0.0.7", "t", "", 401),
        ("10.0.0.7", "t", "Bearer x", 401),
        ("10.0.0.7", "t", "Bearer t", 200),
    ],
)
def test_a_relays_metrics_are_for_this_machine_and_for_who_has_the_token(
    client: str, token: str, sent: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wsgiref.simple_server.WSGIRequestHandler.address_string", lambda _: client)
    monkeypatch.setattr(
        "notifications.monitoring.metrics_server._Server.get_request",
        lambda server: (server.socket.accept()[0], (client, 1)),
    )

    def metrics(_environ: Any, start: Any) -> list[bytes]:
        start("200 OK", [])
        return [b"counted"]

    with serving(metrics, host="127.0.0.1", port=0, probes={"/healthz": lambda: True}, token=token) as port:
        headers = {"Authorization": sent} if sent else {}
        assert requests.get(f"http://127.0.0.1:{port}/metrics", headers=headers, timeout=5).status_code == status
        assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code == 200


@pytest.mark.parametrize(
    ("service", "secrets"), [("payment-gateway", {"SANDBOX_GATEWAY_SECRET"}), ("providers", set())]
)
def test_the_stand_ins_get_no_secret_that_they_do_not_need(service: str, secrets: set[str]) -> None:
    assert set(COMPOSE["services"][service]["environment"]) == secrets


def test_what_ci_runs_of_others_is_pinned_to_a_commit() -> None:
    (workflow,) = (ROOT / ".github" / "workflows").glob("*.yml")
    jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
    used = [step["uses"] for job in jobs for step in job["steps"] if "uses" in step]
    assert used
    assert [each for each in used if len(each.partition("@")[2]) != 40] == []
