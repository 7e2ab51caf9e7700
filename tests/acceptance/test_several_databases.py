"""Recipients spread over several databases: each has an outbox of its own, and relays that look at it alone."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from notifications.sandbox.client import SandboxClient
from tests.stage.relay import RelayProcess
from tests.stage.scratch import scratch_database
from tests.stage.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
PUBLISH = """
from django.db import transaction
from notifications import outbox
from notifications.models import Recipient
outbox.register(outbox.Kind("test.greeting", channels=("sms",)))
for alias, phone in (("default", "+14155550100"), ("shard_1", "+14155550101")):
    with transaction.atomic(using=alias):
        recipient = Recipient.objects.using(alias).create(phone=phone)
        outbox.publish("test.greeting", recipient=recipient, context={"name": alias}, using=alias)
"""


@pytest.fixture
def shard_url(database_url: str) -> Iterator[str]:
    """A second database on the tests' server."""
    with scratch_database(database_url, "shard") as url:
        yield url


def connections_of(relay: RelayProcess, *urls: str) -> dict[str, int]:
    """The connections that this relay holds, by name. Its clocks come and go."""
    with psycopg.connect(urls[0]) as connection:
        rows = connection.execute(
            "SELECT application_name, count(*) FROM pg_stat_activity WHERE datname = ANY(%s)"
            " AND application_name LIKE 'outbox relay%%' GROUP BY application_name",
            [[psycopg.conninfo.conninfo_to_dict(url)["dbname"] for url in urls]],
        ).fetchall()
    return dict(rows)


@pytest.mark.timeout(300)
@pytest.mark.django_db(transaction=True)
def test_a_shard_is_published_to_drained_and_looked_at_by_its_alias(
    relay_process: Callable[..., RelayProcess], database_url: str, shard_url: str, providers: SandboxClient
) -> None:
    sharded = {"DJANGO_SETTINGS_MODULE": "tests.stage.sharded_settings", "SHARD_URL": shard_url}

    def manage(*words: str) -> str:
        environment = os.environ | sharded | {"DATABASE_URL": database_url, "DJANGO_DEBUG": "1"}
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    manage("migrate", "--database", "shard_1", "--verbosity", "0")
    manage("shell", "--no-imports", "--command", PUBLISH)
    code, said = relay_process("--database", "shard_1", "--drain", **sharded, SMS_PROVIDER="twilio").wait(60)

    assert code == 0, said
    assert [message.to for message in providers.messages()] == ["+14155550101"]
    counts = {
        alias: json.loads(manage("outbox_status", "--database", alias, "--json"))["messages"]
        for alias in ("default", "shard_1")
    }
    assert (counts["shard_1"]["sent"], counts["default"]["sent"], counts["default"]["pending"]) == (1, 0, 1)

    manage("shell", "--no-imports", "--command", PUBLISH)
    relay = relay_process("--database", "all", "--metrics-port", "0", **sharded, SMS_PROVIDER="twilio")
    wait_until(lambda: len(providers.messages()) == 4, seconds=60)
    assert connections_of(relay, database_url, shard_url) == {"outbox relay": 2, "outbox relay (listen)": 2}
    both = json.loads(manage("outbox_status", "--database", "all", "--json"))
    assert (both["messages"]["sent"], both["messages"]["pending"]) == (4, 0)
    assert {running["database"] for running in both["relays"]} == {"default", "shard_1"}
    assert both["databases"]["shard_1"]["messages"]["sent"] == 2
    relay.signal(signal.SIGTERM)
    code, said = relay.wait(30)
    assert code == 0, said
    assert "── shard_1 ─" in manage("prune_outbox", "--older-than", "0", "--database", "all")
