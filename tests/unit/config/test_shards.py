"""SHARDS is read whole, or the start is refused with the name of what is wrong."""

import re

import pytest

from config import shards
from config.shard_of import BY_HOST, BY_PATH, wrong_with
from config.shards import Misread

TEMPLATE = "postgresql://user:pa55@host/db?options=-csearch_path%3D{shard}"


def test_one_template_serves_all_and_an_own_variable_takes_precedence() -> None:
    environment = {
        "SHARDS": "north, south,",
        "DATABASE_URL": TEMPLATE,
        "SHARD_SOUTH_DATABASE_URL": "postgresql://elsewhere/db",
    }
    names = shards.names(environment["SHARDS"], environment)
    assert names == ("north", "south")
    assert shards.of_each("DATABASE_URL", names, environment, default="") == {
        "north": TEMPLATE.replace("{shard}", "north"),
        "south": "postgresql://elsewhere/db",
    }
    assert shards.names("", {"DATABASE_URL": "postgresql://host/db"}) == ()


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"SHARDS": "north,South"}, "SHARDS has 'South'"),
        ({"SHARDS": "north,all"}, "SHARDS has 'all'"),
        ({"SHARDS": "default"}, "SHARDS has 'default'"),
        ({"SHARDS": "north-1"}, "SHARDS has 'north-1'"),
        ({"SHARDS": "north,south,north"}, "SHARDS names north twice"),
        ({"SHARDS": "north", "SHARD_EAST_DATABASE_URL": TEMPLATE}, "SHARD_EAST_DATABASE_URL is set, .* no shard east"),
        ({"PUBLIC_URL": "https://{shard}.example.com"}, "PUBLIC_URL has {shard}, and SHARDS names none"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(environment: dict[str, str], why: str) -> None:
    with pytest.raises(Misread, match=why):
        shards.names(environment.get("SHARDS", ""), environment)


def test_two_shards_are_never_one_database_and_no_password_is_told() -> None:
    environment = {"SHARDS": "north,south", "DATABASE_URL": "postgresql://user:pa55@host/db"}
    with pytest.raises(Misread, match=re.escape("the shards north and south: write {shard}")) as refused:
        shards.of_each("DATABASE_URL", ("north", "south"), environment, default="")
    assert "pa55" not in str(refused.value)


def test_addresses_must_tell_shards_apart_by_what_the_function_looks_at() -> None:
    by_host = {name: f"https://{name}.example.com" for name in ("north", "south")}
    by_path = {name: f"https://example.com/{name}" for name in ("north", "south")}
    assert (wrong_with(BY_HOST, by_host), wrong_with(BY_PATH, by_path)) == ("", "")
    assert "same host" in wrong_with(BY_HOST, by_path)
    assert "same path" in wrong_with(BY_PATH, by_host)
    assert "has a _ in its host" in wrong_with(BY_HOST, {"north_1": "https://north_1.example.com"})
    assert "SHARD_OF must be" in wrong_with("config.shard_of.by_moon", by_host)
