"""Liveness and readiness, as a load balancer asks for them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from tests.factories.notifications import RecipientFactory, publish_one

pytestmark = pytest.mark.django_db(transaction=True)


def test_alive_and_ready(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ok")
    assert ready.json()["checks"] == {"database": "ok", "migrations": "ok", "outbox": "ok"}


def test_a_relay_that_lags_is_told_and_the_web_stays_in_service(client: Client) -> None:
    publish_one(RecipientFactory())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE notifications_outboxmessage SET next_attempt_at = now() - interval '1 hour'")
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["status"], ready.json()["checks"]["outbox"]) == (200, "late", "late")
    assert ready.json()["oldest_due_seconds"] > 3599
    assert client.get("/readyz?strict=1").status_code == 503, "for a monitor"


def test_how_late_is_late_is_a_setting(client: Client, settings: Settings) -> None:
    settings.OUTBOX_READY_MAX_AGE_SECONDS = 7200
    publish_one(RecipientFactory())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE notifications_outboxmessage SET next_attempt_at = now() - interval '1 hour'")
    assert client.get("/readyz?strict=1").json()["checks"]["outbox"] == "ok"


def test_a_probe_is_cheap(client: Client, django_assert_max_num_queries: Callable[..., Any]) -> None:
    client.get("/readyz")
    with django_assert_max_num_queries(3):
        client.get("/readyz")


def test_a_migration_that_is_missing_makes_it_unready(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'bookings' RETURNING app, name, applied")
        gone = cursor.fetchall()
        try:
            ready = client.get("/readyz")
        finally:
            cursor.executemany("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", gone)
    assert (ready.status_code, ready.json()["checks"]["migrations"]) == (503, f"{len(gone)} pending")


def test_without_a_database_it_is_alive_and_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    monkeypatch.setattr(connection, "get_new_connection", lambda parameters: _refuse())
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
    assert ready.json()["checks"] == {"database": "OperationalError", "migrations": "unknown", "outbox": "unknown"}


def _refuse() -> None:
    from psycopg import OperationalError  # noqa: PLC0415

    raise OperationalError("connection refused")
