"""A process that hangs within a transaction does not hold its lanes for ever, nor a server that vanished a process."""

import os
import socket
import subprocess
import sys

import pytest

from config.database_url import parse
from config.environment import notice_lost_server
from tests.stage.proxy import Proxy, url_through
from tests.stage.relay import ROOT

SHOW = """
import django; django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SHOW idle_in_transaction_session_timeout")
    print(cursor.fetchone()[0])
"""


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "30s"),
        ({"OUTBOX_LEASE_SECONDS": "20"}, "10s"),  # below the lease
        ({"OUTBOX_RESCUE": "lease"}, "0"),  # behind a proxy, which would refuse the parameter
    ],
)
@pytest.mark.django_db
def test_an_idle_transaction_is_ended_before_a_lease_is(
    database_url: str, settings: dict[str, str], expected: str
) -> None:
    environment = {"DATABASE_URL": database_url, "DJANGO_DEBUG": "1", "DJANGO_SETTINGS_MODULE": "config.settings"}
    shown = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env=os.environ | environment | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.stdout.strip() == expected, shown.stderr


def test_a_database_that_does_not_answer_is_given_up_within_seconds() -> None:
    """It takes the connection and says nothing: with psycopg's own limit a request would hang for 130 seconds."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing"
        asked = subprocess.run(
            [sys.executable, "-c", SHOW],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": url, "DJANGO_DEBUG": "1", "DJANGO_SETTINGS_MODULE": "config.settings"},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    assert "timeout expired" in asked.stderr


@pytest.mark.parametrize(
    ("below", "public_url", "said"),
    [
        ("/app/", "", "SCRIPT_NAME must be a path such as /app, without a slash at its end, not '/app/'."),
        ("app", "", "SCRIPT_NAME must be a path such as /app, without a slash at its end, not 'app'."),
        ("/app", "https://example.com", "PUBLIC_URL must end in SCRIPT_NAME, as https://example.com/app does."),
    ],
)
def test_a_path_that_nothing_would_be_found_under_is_refused_at_the_start(
    below: str, public_url: str, said: str
) -> None:
    environment = {"DJANGO_DEBUG": "1", "DJANGO_SETTINGS_MODULE": "config.settings", "SCRIPT_NAME": below}
    started = subprocess.run(
        [sys.executable, "-c", "import django; django.setup()"],
        cwd=ROOT,
        env=os.environ | environment | ({"PUBLIC_URL": public_url} if public_url else {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.stderr.strip().endswith(said)


@pytest.mark.parametrize("form", ["hosts before the path", "hosts in the query"])
def test_of_several_hosts_the_one_that_answers_and_can_be_written_to_is_the_database(
    form: str, proxy: Proxy, database_url: str
) -> None:
    """The first is as a primary whose processes are stopped: it takes the connection, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        first, there = silent.getsockname()[1], url_through(proxy.port, database_url)
        address = f"127.0.0.1:{proxy.port}"
        if form == "hosts before the path":
            url = there.replace(address, f"127.0.0.1:{first},{address}")
        else:
            url = there.replace(address, "") + f"?host=127.0.0.1,127.0.0.1&port={first},{proxy.port}"
        shown = subprocess.run(
            [sys.executable, "-c", SHOW],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": url, "DJANGO_DEBUG": "1", "DJANGO_SETTINGS_MODULE": "config.settings"},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    assert shown.stdout.strip(), shown.stderr


@pytest.mark.parametrize(
    ("url", "attributes"),
    [
        ("postgresql://u@h1,h2/db", "read-write"),
        ("postgresql://u@/db?host=h1,h2", "read-write"),
        ("postgresql://u@h1,h2/db?target_session_attrs=any", "any"),
        ("postgresql://u@h1/db", None),
    ],
)
def test_several_hosts_mean_the_one_that_can_be_written_to(url: str, attributes: str | None) -> None:
    read = parse(url)
    notice_lost_server(read)
    assert read["OPTIONS"].get("target_session_attrs") == attributes
