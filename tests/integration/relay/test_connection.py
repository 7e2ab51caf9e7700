"""A relay's own connections: what Django's OPTIONS say to Django alone does not keep a relay from its work."""

from typing import Any

import pytest
from django.db import connection as django_connection
from django.db import connections

from notifications.relay.connection import open_connection

pytestmark = pytest.mark.django_db


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> Any:
    chosen = dict(connections["default"].settings_dict["OPTIONS"])
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", chosen)
    return chosen


@pytest.mark.parametrize("pool", [True, {"min_size": 2, "max_size": 4}])
def test_a_pool_of_django_s_leaves_the_relay_its_own(options: dict[str, Any], pool: object) -> None:
    options["pool"] = pool
    with open_connection("default", name="a relay of its own") as opened:
        assert opened.execute("SELECT current_setting('application_name')").fetchone() == ("a relay of its own",)
        assert opened.autocommit


def test_a_relay_works_at_read_committed_whatever_django_does(options: dict[str, Any]) -> None:
    options["isolation_level"] = 4
    with open_connection("default", name="a relay") as opened:
        assert opened.execute("SELECT current_setting('transaction_isolation')").fetchone() == ("read committed",)


def test_a_relay_takes_on_the_role_that_django_does(options: dict[str, Any]) -> None:
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = 'pg_monitor'")
        ((role,),) = cursor.fetchall()
    options["assume_role"] = role
    with open_connection("default", name="a relay") as opened:
        assert opened.execute("SELECT current_user").fetchone() == (role,)
