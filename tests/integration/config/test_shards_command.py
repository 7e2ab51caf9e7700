"""`manage.py shards`, and commands of the bookings on shards: one that is away keeps no other from its turn."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connections
from django.utils import timezone
from pytest_django import Settings

from bookings.models import Slot
from config import shard_databases
from config.management.commands import runserver
from notifications.shards import current, on_database
from tests.factories.bookings import SlotFactory
from tests.factories.notifications import GREETING, RecipientFactory, publish_one, registered
from tests.stage.two_shards import DATABASES, NORTH, SOUTH

pytestmark = [pytest.mark.django_db(databases=DATABASES), pytest.mark.usefixtures("two_shards")]


@pytest.fixture
def north_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OperationalError("connection to host db-7 failed")

    monkeypatch.setattr(connections[NORTH], "cursor", refuse)


@pytest.fixture(autouse=True)
def _connections_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's transactions end with it, not with the command."""
    for name in (NORTH, SOUTH):
        monkeypatch.setattr(connections[name], "close", lambda: None)


def said_by(*words: str, **options: Any) -> str:
    call_command(*words, stdout=(said := io.StringIO()), **options)
    return said.getvalue()


def test_shards_are_listed_with_what_waits_in_each() -> None:
    with on_database(SOUTH), registered(GREETING):
        publish_one(RecipientFactory())
    listed = {each["name"]: each for each in json.loads(said_by("shards", "list", "--json"))}
    assert {name: each["waiting"] for name, each in listed.items()} == {NORTH: 0, SOUTH: 1}
    assert [each["migrations"] for each in listed.values()] == ["ok", "ok"]
    assert all(each["where"].endswith(f"/{name}") for name, each in listed.items())
    assert said_by("shards").splitlines()[0].split() == ["shard", "where", "migrations", "node", "waiting", "relays"]


@pytest.mark.usefixtures("north_is_away")
def test_one_that_is_away_is_named_and_the_others_are_done() -> None:
    with on_database(SOUTH):
        slot = SlotFactory(seats_taken=2)
    said = io.StringIO()
    with pytest.raises(CommandError, match="Not ready: north") as refused:
        call_command("shards", "list", stdout=said)
    assert ("OperationalError" in said.getvalue(), refused.value.returncode) == (True, 1)
    assert "db-7" not in said.getvalue()
    with pytest.raises(CommandError, match="north: its database answered with OperationalError"):
        call_command("check_seats", "--repair", "--database", "all", stdout=io.StringIO())
    assert Slot.objects.using(SOUTH).get(pk=slot.pk).seats_taken == 0
    with pytest.raises(CommandError, match="north: its database"):
        call_command("shards", "create", stdout=(made := io.StringIO()))
    assert made.getvalue() == "south: the schema south is there.\n"


def test_a_command_that_knows_no_databases_runs_in_each_shard_or_in_those_that_are_named() -> None:
    for name in (NORTH, SOUTH):
        Session.objects.using(name).create(session_key=name, session_data="", expire_date=timezone.now())
    assert said_by("shards", "run", "--shard", SOUTH, "clearsessions") == "south: clearsessions is done.\n"
    assert [Session.objects.using(name).count() for name in (NORTH, SOUTH)] == [1, 0]
    assert said_by("shards", "run", "clearsessions") == "north: clearsessions is done.\nsouth: clearsessions is done.\n"
    assert Session.objects.using(NORTH).count() == 0


def test_a_command_that_fails_is_named_with_each_shard_and_one_that_is_missing_is_asked_for() -> None:
    with pytest.raises(CommandError, match=r"^north: user 'ann' does not exist\.\nsouth: user 'ann' does not exist\.$"):
        call_command("shards", "run", "changepassword", "ann")
    with pytest.raises(CommandError, match="Name the command to run"):
        call_command("shards", "run", "--shard", NORTH)


def test_the_server_for_development_looks_at_each_shards_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []
    monkeypatch.setattr(BaseCommand, "check_migrations", lambda _: looked_at.append(current()))
    runserver.Command().check_migrations()
    assert looked_at == [NORTH, SOUTH]


def test_who_names_no_shard_reads_one_line() -> None:
    environment = {"SHARDS": "north,south", "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/{shard}"}
    environment |= {
        "PUBLIC_URL": "https://{shard}.example.com",
        "DJANGO_DEBUG": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    said = subprocess.run(
        [sys.executable, "manage.py", "clearsessions"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stderr.count("\n")) == (1, 1)
    assert said.stderr.startswith("manage.py clearsessions: No shard is at work here.")


def test_without_citus_there_is_nothing_to_distribute() -> None:
    with pytest.raises(CommandError, match="north: its database has no extension citus"):
        call_command("shards", "distribute", NORTH)


def test_a_shard_that_is_none_is_refused_by_name(settings: Settings) -> None:
    with pytest.raises(CommandError, match="east is no shard; SHARDS has north, south"):
        call_command("shards", "migrate", "east")
    with pytest.raises(CommandError, match="Name the shard with --database: north, south"):
        call_command("erase_customer", "ann")
    settings.OUTBOX_SHARDS = ()
    with pytest.raises(CommandError, match="SHARDS names no shards"):
        call_command("shards")


@pytest.fixture
def missing_schema() -> Iterator[str]:
    with connections[NORTH].cursor() as cursor:
        cursor.execute("SET search_path TO east, north")
        yield "east"
        cursor.execute("SET search_path TO north")


def test_a_schema_is_made_once(missing_schema: str) -> None:
    with on_database(NORTH):
        assert shard_databases.create(NORTH) == f"made the schema {missing_schema}"
        assert shard_databases.create(NORTH) == f"the schema {missing_schema} is there"
