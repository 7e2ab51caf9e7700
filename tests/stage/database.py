"""A test database of this run's own: on the server of DATABASE_URL, or on the embedded one where that is unset.

Runs at the same time use test_bookings, test_bookings_2, …; a run without --reuse-db drops its own at the end.
"""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connections

from config.embedded import server
from config.embedded.slots import claim_slot
from config.environment import env
from config.scratch_databases import with_database

pytest_plugins = ["tests.stage.embedded"]

IS_GIVEN = False  # whether the tests run in DATABASE_URL itself, which is theirs
DJANGOS_OWN = ("cursor_factory", "context", "prepare_threshold")


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> Iterator[None]:
    """Claims the test database; asked for by pytest-django before it makes one."""
    parameters = connections.create_connection("default").get_connection_params()
    address = {name: value for name, value in parameters.items() if name not in DJANGOS_OWN}
    if is_embedded():
        server.ensure_running()
    with psycopg.connect(**address | {"dbname": "postgres"}, autocommit=True) as connection:
        settings = connections["default"].settings_dict
        name = claim_slot(connection, settings["TEST"]["NAME"] or f"test_{settings['NAME']}")
        # Processes that a killed run left behind would keep its database from being dropped.
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        settings["TEST"]["NAME"] = name
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Every session of the test database commits without waiting for the disk, in child processes too.

    Whoever asks sees the same rows at the same moments; only a crash of the server's machine could tell. Waiting took
    a third of the suite's time, and tests that measure time ask for `commits_reach_the_disk`.
    """
    if not IS_GIVEN:
        with django_db_blocker.unblock():
            set_waiting(is_on=False)


@pytest.fixture
def commits_reach_the_disk(transactional_db: None) -> Iterator[None]:
    """As in production: for tests that measure how long something takes."""
    set_waiting(is_on=True)
    yield
    set_waiting(is_on=False)


def set_waiting(*, is_on: bool) -> None:
    """Have commits of the sessions that begin from now on wait for the disk, or not."""
    connection = connections["default"]
    with connection.cursor() as cursor:
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit = {'on' if is_on else 'off'}")
    connections.close_all()


@pytest.fixture(scope="session")
def database_url(django_db_setup: None) -> str:
    """The test database as a DATABASE_URL for child processes."""
    name = connections["default"].settings_dict["NAME"]
    return server.database_url(name) if is_embedded() else with_database(env.str("DATABASE_URL"), name)


def is_embedded() -> bool:
    return connections["default"].settings_dict["ENGINE"] == "config.embedded"
