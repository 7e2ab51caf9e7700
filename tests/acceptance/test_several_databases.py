"""Recipients spread over several databases: each has an outbox of its own, and relays that look at it alone."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from config.scratch_databases import with_database
from notifications.sandbox.client import SandboxClient
from tests.stage.relay import RelayProcess

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
    name = "test_shard_1"
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(with_database(database_url, "postgres"), autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield with_database(database_url, name)
        connection.execute(drop)


@pytest.mark.timeout(180)
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
