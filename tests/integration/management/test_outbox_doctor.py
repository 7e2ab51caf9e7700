"""`manage.py outbox_doctor`: a line for each thing that the outbox rests on, with what to do."""

import json
from collections.abc import Callable
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.backends.postgresql.base import DatabaseWrapper
from pytest_django import Settings

from config.environment import env
from notifications.management import diagnosis
from notifications.sandbox.client import SandboxClient
from tests.channels.servers import closed_port
from tests.stage.relay import HandRelay

pytestmark = pytest.mark.django_db(transaction=True)
TWILIO, EMAIL = "notifications.channels.twilio.SmsChannel", "notifications.channels.email.EmailChannel"


def examined(**options: Any) -> dict[str, tuple[str, str]]:
    """By subject: the state, and what is said."""
    out = StringIO()
    try:
        call_command("outbox_doctor", json=True, stdout=out, **options)
    except CommandError:
        assert not json.loads(out.getvalue())["is_well"]
    return {each["subject"]: (each["state"], each["said"]) for each in json.loads(out.getvalue())["findings"]}


def wrong(**options: Any) -> dict[str, str]:
    return {subject: said for subject, (state, said) in examined(**options).items() if state == "wrong"}


@pytest.fixture(autouse=True)
def _channels(settings: Settings, providers: SandboxClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real clients, towards the sandbox."""
    monkeypatch.setenv("NO_PROXY", "*")
    settings.OUTBOX_CHANNELS = {**settings.OUTBOX_CHANNELS, "sms": TWILIO, "email": EMAIL}
    settings.OUTBOX_ALLOWED_COUNTRIES = ["US"]
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = providers.account_sid, providers.auth_token
    settings.TWILIO_API_URL, settings.TWILIO_SMS_FROM = providers.http_url, "+14155550000"
    settings.EMAIL_URL = providers.email_url


def test_where_all_is_well_it_says_so_and_exits_0(
    hand_relay: Callable[..., HandRelay], providers: SandboxClient
) -> None:
    hand_relay()
    assert wrong() == {}
    out = StringIO()

    call_command("outbox_doctor", stdout=out)

    assert "ok  channel sms       The Twilio account is active." in out.getvalue()
    assert "ok  channel email     The mail server lets us in." in out.getvalue()
    assert "not tried  channel whatsapp" in out.getvalue()
    assert "wrong" not in out.getvalue()
    assert providers.messages() == [], "nothing was sent"


def test_without_a_relay_it_exits_1() -> None:
    assert list(wrong()) == ["relays"]
    assert "Start manage.py run_outbox_relay" in wrong()["relays"]
    with pytest.raises(CommandError, match="1 of"):
        call_command("outbox_doctor", stdout=StringIO())


def test_credentials_that_the_provider_refuses_are_found(settings: Settings) -> None:
    settings.TWILIO_AUTH_TOKEN = "wrong"
    assert "error 20003, HTTP 401" in wrong()["channel sms"]
    assert "Check TWILIO_ACCOUNT_SID" in wrong()["channel sms"]


def test_servers_that_are_away_are_found(settings: Settings) -> None:
    settings.TWILIO_API_URL = f"http://127.0.0.1:{closed_port()}"
    settings.EMAIL_URL = f"smtp://127.0.0.1:{closed_port()}"
    found = wrong()
    assert "cannot be reached: connection_refused" in found["channel sms"]
    assert "cannot be used: connection_refused" in found["channel email"]


def test_missing_settings_and_what_checks_say_are_found(settings: Settings) -> None:
    del settings.TWILIO_SMS_FROM
    settings.OUTBOX_LEASE_SECONDS = 1
    settings.ROOT_URLCONF = "tests.webhooks.no_urls"
    found = wrong()
    assert "TWILIO_SMS_FROM" in found["channel sms"]
    assert "OUTBOX_LEASE_SECONDS must be longer" in found["settings"]
    assert 'include("notifications.urls")' in found["urls"]


def test_an_isolation_that_the_role_has_is_found() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_isolation = 'serializable'")
    try:
        assert "SERIALIZABLE" in wrong()["isolation"]
    finally:
        connection.close()


def test_a_database_that_can_only_be_read_or_lacks_tables_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "_missing_migrations", lambda using: 2)
    assert "2 migrations are missing. Run manage.py migrate." in wrong()["database"]
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    try:
        assert "Connect to the primary" in wrong()["database"]
    finally:
        connection.close()


def test_a_database_that_is_away_is_found_and_the_channels_are_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(using: str) -> Any:
        raise DatabaseError("connection to server\nfailed")
        yield

    monkeypatch.setattr(diagnosis, "_database", refuse)
    found = examined()
    assert found["database"] == ("wrong", "It cannot be used: connection to server failed")
    assert found["channel sms"][0] == "ok"
    assert "relays" not in found


def test_a_proxy_that_pools_transactions_is_found(
    bouncer: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = connection.settings_dict | env.db_url_config(bouncer) | {"OPTIONS": {}}
    connect = SimpleNamespace(create_connection=lambda using: DatabaseWrapper(behind, using))
    monkeypatch.setattr(diagnosis, "connections", connect)

    assert 'Set OUTBOX_RESCUE = "lease"' in diagnosis._proxy("default").said
    settings.OUTBOX_RESCUE = "lease"
    assert diagnosis._proxy("default").state == "ok"


def test_a_probe_that_raises_hides_no_other_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("notifications.channels.twilio.SmsChannel.probe", bug)
    found = examined()
    assert found["channel sms"] == ("wrong", "Its probe raised ZeroDivisionError: a bug in SmsChannel.")
    assert found["channel whatsapp"][0] == "not tried"
