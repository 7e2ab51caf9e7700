"""A relay's own connections: what Django's OPTIONS say to Django alone does not keep a relay from its work."""

from typing import Any

import psycopg
import pytest
from django.db import connection as django_connection
from django.db import connections
from psycopg.pq import TransactionStatus

from notifications.relay.connection import Connection, open_connection, transaction

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


def fail_at(what: str, connection: Connection) -> None:
    with transaction(connection):
        connection.execute("INSERT INTO noted VALUES (1)")
        if what == "a statement":
            connection.execute("SELECT 1 / 0")  # nobody fetches its row: COMMIT is sent all the same
        elif what == "COMMIT":
            connection.execute("INSERT INTO noted VALUES (1)")  # refused as late as that
        else:
            raise KeyError(what)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["a statement", "the code beside it", "COMMIT"])
def test_a_transaction_whose_anything_fails_leaves_nothing_behind(what: str) -> None:
    with open_connection("default", name="a relay") as opened:
        opened.execute("CREATE TEMP TABLE noted (number int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        with pytest.raises((psycopg.Error, KeyError)):
            fail_at(what, opened)
        assert opened.info.transaction_status == TransactionStatus.IDLE
        assert opened.execute("SELECT count(*) FROM noted").fetchone() == (0,), "and the connection goes on"


@pytest.mark.django_db(transaction=True)
def test_a_transaction_is_committed_with_what_was_not_fetched_in_it() -> None:
    with open_connection("default", name="a relay") as opened:
        opened.execute("CREATE TEMP TABLE noted (number int)")
        with transaction(opened):
            written = opened.execute("INSERT INTO noted VALUES (1) RETURNING number")
        assert written.fetchall() == [(1,)]
        assert opened.info.transaction_status == TransactionStatus.IDLE
        assert opened.execute("SELECT number FROM noted").fetchall() == [(1,)]
