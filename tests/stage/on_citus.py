"""A pytest plugin: the tests run in a schema that is a shard on Citus. `tests.stage.citus` starts pytest with it."""

from typing import Any

import pytest
from django.db import connections

from tests.stage import database, emptying, locks

# Its tables are elsewhere, so their sizes here say nothing, and a block of PL/pgSQL would be run here alone.
EMPTY_ELSEWHERE = """
SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema()
AND tablename NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
"""


def empty(case: object) -> None:
    """As `emptying.empty`, table by table."""
    with connections["default"].cursor() as cursor:
        cursor.execute(EMPTY_ELSEWHERE)
        names = [name for (name,) in cursor.fetchall()]
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in names))
        filled = [name for (name,) in cursor.fetchall()]
        if filled:
            cursor.execute(f"TRUNCATE {', '.join(filled)} CASCADE")


# A lock is waited for on the node of the rows. A global number of a process is its node's, and its own in ten digits.
locks.WAITING = "SELECT waiting_gpid % 10000000000 FROM citus_lock_waits"
database.IS_GIVEN = True
emptying.TransactionTestCase._fixture_teardown = empty  # type: ignore[method-assign,assignment]


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """The database is there already, and stays."""
    settings_dict = connections["default"].settings_dict
    settings_dict["TEST"]["NAME"] = settings_dict["NAME"]


@pytest.fixture(scope="session", autouse=True)
def emptied(django_db_setup: None, django_db_blocker: Any) -> None:
    """Whatever an interrupted run has left goes."""
    with django_db_blocker.unblock():
        empty(None)
