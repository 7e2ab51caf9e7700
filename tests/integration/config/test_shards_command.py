"""`manage.py shards`, and commands of the bookings on shards: one that is away keeps no other from its turn."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError, connections
from pytest_django import Settings

from bookings.models import Slot
from config import shard_databases
from notifications.shards import on_database
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
