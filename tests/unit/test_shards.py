"""Within a shard, `default` is that shard; elsewhere nothing is different."""

import threading

import pytest
from django.core.management.base import CommandError
from django.db import connections
from pytest_django import Settings

from notifications import shards
from notifications.management.databases import chosen, with_an_outbox
from notifications.models import Recipient
from notifications.shards import ShardRouter, on_database

NAMES = ("s1", "s2")


@pytest.fixture
def two_shards(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two databases that nobody connects to."""
    for name in NAMES:
        monkeypatch.setitem(connections.settings, name, dict(connections["default"].settings_dict))
    settings.OUTBOX_SHARDS = NAMES


@pytest.mark.usefixtures("two_shards")
def test_the_default_database_is_the_shard_at_work_in_this_thread() -> None:
    before = connections["default"]
    elsewhere = []
    with on_database("s1"):
        assert connections["default"] is connections["s1"]
        with on_database("s2"):
            assert (shards.current(), connections["default"]) == ("s2", connections["s2"])
            thread = threading.Thread(target=lambda: elsewhere.append(connections["default"].alias))
            thread.start()
            thread.join()
        assert connections["default"] is connections["s1"]
    assert connections["default"] is before
    assert (shards.current(), elsewhere) == ("", ["default"])


@pytest.mark.usefixtures("two_shards")
def test_what_is_no_shard_takes_nobodys_place(settings: Settings) -> None:
    settings.OUTBOX_SHARDS = ("s2",)
    before = connections["default"]
    with on_database("s1"):
        assert (shards.current(), connections["default"]) == ("", before)


@pytest.mark.usefixtures("two_shards")
def test_rows_of_two_shards_are_not_related() -> None:
    rows = {alias: Recipient() for alias in ("default", *NAMES)}
    for alias, row in rows.items():
        row._state.db = alias
    relates = ShardRouter().allow_relation
    assert relates(rows["s1"], rows["s2"]) is None, "outside, Django decides as ever"
    with on_database("s1"):
        assert relates(rows["default"], rows["s1"])
        assert not relates(rows["default"], rows["s2"])


@pytest.mark.usefixtures("two_shards")
def test_where_there_are_shards_commands_are_told_which() -> None:
    assert chosen(None, unnamed=("s1",)) == ["s1"]
    assert chosen(["s2", "s1", "s2"]) == ["s2", "s1"]
    with pytest.raises(CommandError, match="--database: s1, s2"):
        chosen(None)
    assert chosen("all") == with_an_outbox() == list(NAMES)
