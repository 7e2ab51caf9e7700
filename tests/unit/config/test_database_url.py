"""A DATABASE_URL means what PostgreSQL's own library reads in it, or the start is refused with the reason."""

from typing import Any

import pytest

from config.database_url import Misread, parse
from config.environment import ConfigurationError, database

PLAIN = {"NAME": "db", "USER": "u", "PASSWORD": "", "HOST": "h", "PORT": "", "OPTIONS": {}}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u@h/db", {}),
        ("postgres://u@h/db", {}),
        ("pgsql://u@h/db", {}),
        ("postgresql://u@h:5433/db", {"PORT": "5433"}),
        ("postgresql://u:p%40ss%2Fw%25rd@h/db", {"PASSWORD": "p@ss/w%rd"}),
        ("postgresql://u:p@ss@h/db", {"PASSWORD": "p@ss"}),
        ("postgresql://u:p:s#w?rd&+$@h/db", {"PASSWORD": "p:s#w?rd&+$"}),
        ("postgresql://u:gr%C3%BC%C3%9Fe@h/db", {"PASSWORD": "grüße"}),
        ("postgresql://u%40corp@h/db", {"USER": "u@corp"}),
        ("postgresql://u@h/a+b%20c", {"NAME": "a+b c"}),
        ("postgresql://u@[::1]:5432/db", {"HOST": "::1", "PORT": "5432"}),
        ("postgresql://u@h1:1,h2:2/db", {"HOST": "h1,h2", "PORT": "1,2"}),
        ("postgresql://u@/db?host=/var/run/postgresql", {"HOST": "/var/run/postgresql"}),
        ("postgresql://u@%2Fvar%2Frun/db", {"HOST": "/var/run"}),
        ("postgresql://u@h/db?sslmode=verify-full&connect_timeout=3", None),
        ("postgresql://u@h/db?options=-c%20statement_timeout%3D5s%20-c%20a.b%3Dx%2By", None),
        ("postgresql://u@h/db?server_side_binding=true&assume_role=app", None),
    ],
)
def test_it_is_read_as_it_is_written(url: str, expected: dict[str, Any] | None) -> None:
    read = parse(url)
    options = {
        "sslmode": {"sslmode": "verify-full", "connect_timeout": "3"},
        "options": {"options": "-c statement_timeout=5s -c a.b=x+y"},
        "server_side_binding": {"server_side_binding": True, "assume_role": "app"},
    }
    named = url.partition("?")[2].partition("=")[0]
    wanted = PLAIN | (expected or {}) | {"OPTIONS": options.get(named, {})}
    assert {name: read[name] for name in wanted} == wanted


def test_a_proxy_of_transactions_is_told_of_cursors() -> None:
    assert parse("postgresql://u@h/db?disable_server_side_cursors=1")["DISABLE_SERVER_SIDE_CURSORS"] is True


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://u:hunter2@h/db", "rests on PostgreSQL"),
        ("postgis://u:hunter2@h/db", "rests on PostgreSQL"),
        ("sqlite:///db", "rests on PostgreSQL"),
        ("u:hunter2@h/db", "rests on PostgreSQL"),
        ("postgresql:/u:hunter2@h/db", "rests on PostgreSQL"),
        ("postgresql://u:hunter2@h", "names no database"),
        ("postgresql://u:hunter2@h/", "names no database"),
        ("postgresql://u:hunter2@h/?sslmode=require", "names no database"),
        ("postgresql://u:hunter2/3@h/db", "must be written %2F"),
        ("postgresql://u:12/hunter2@h/db", "must be written %2F"),
        ("postgresql://u:hunter2%@h/db", "as %25"),
        ("postgresql://u:hunter2%zz@h/db", "as %25"),
        ("postgresql://u:hunter2 3@h/db", "a space"),
        ("postgresql://u:hunter2@h/db\n", "a line break"),
        ("postgresql://u:hunter2@h:port/db", "the port must be a number"),
        ("postgresql://u:hunter2@h:70000/db", "the port must be a number"),
        ("postgresql://u:hunter2@h/db?ssl_mode=require", "no parameter 'ssl_mode'"),
        ("postgresql://u:hunter2@h/db?sslmod=require&hunter2=1", "no parameter 'sslmod'"),
        ("postgresql://u:hunter2@h/db?pool=true", "pool cannot be set there"),
        ("postgresql://u:hunter2@h/db?CONN_MAX_AGE=5", "CONN_MAX_AGE cannot be set there"),
        ("postgresql://u:hunter2@h/db?isolation_level=4", "the outbox needs READ COMMITTED"),
        ("postgresql://u:hunter2@h/db?server_side_binding=yes", "must be true or false"),
    ],
)
def test_what_would_be_misread_is_refused_without_its_password(url: str, reason: str) -> None:
    with pytest.raises(Misread, match=reason) as raised:
        parse(url)
    assert "hunter2" not in str(raised.value)


def test_the_start_ends_with_one_line_that_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:12/hunter2@h/db")
    with pytest.raises(ConfigurationError, match=r"DATABASE_URL must be postgresql://.*%2F\.$"):
        database("DATABASE_URL")
