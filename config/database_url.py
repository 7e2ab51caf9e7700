"""Reads DATABASE_URL as PostgreSQL's own library does, and explains what is wrong with one that would be misread.

No reason repeats what the URL holds, save the names of parameters: it may carry a password.
"""

import re
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict

SCHEMES = ("postgresql", "postgres", "pgsql", "psql")
URL = re.compile(r"(?P<scheme>[A-Za-z0-9+.-]+)://(?P<authority>[^/]*)(?:/(?P<path>[^?]*)(?:\?(?P<query>.*))?)?")
COLUMNS = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
SWITCHES = {"true": True, "1": True, "false": False, "0": False}
ELSEWHERE = {  # what Django knows and this project decides by itself
    "pool": "each thread keeps its connection for CONN_MAX_AGE seconds instead",
    "isolation_level": "the outbox needs READ COMMITTED",
    "conn_max_age": "the settings decide it",
    "conn_health_checks": "the settings decide it",
    "atomic_requests": "it would put the gateway's call inside the transaction",
    "autocommit": "the settings decide it",
}


class Misread(ValueError):
    """The URL cannot be used, or would mean something else than it seems to; the message says why."""


def parse(url: str) -> dict[str, Any]:
    """`url` as one of Django's DATABASES. Raises Misread."""
    if re.search(r"[\s\x00-\x1f\x7f]", url):
        raise Misread("it holds a space or a line break; write a space as %20")
    found = URL.fullmatch(url)
    if found is None or found["scheme"].lower() not in SCHEMES:
        raise Misread("the outbox rests on PostgreSQL")
    if "@" in (found["path"] or ""):
        raise Misread("a / in the user's name or password must be written %2F")
    options, query = _django_options(found["query"] or "")
    user, at, hosts = found["authority"].rpartition("@")
    given = _as_libpq(f"postgresql://{user.replace('@', '%40')}{at}{hosts}/{found['path'] or ''}?{query}")
    _check_ports(given.get("port", ""))
    if not given.get("dbname") and not given.get("service"):
        raise Misread("it names no database")
    database = {column: given.pop(name, "") for name, column in COLUMNS.items()}
    database["DISABLE_SERVER_SIDE_CURSORS"] = options.pop("disable_server_side_cursors", False)
    return {"ENGINE": "django.db.backends.postgresql", **database, "OPTIONS": given | options}


def _django_options(query: str) -> tuple[dict[str, Any], str]:
    """What `query` says to Django, and the rest of it, which PostgreSQL's library reads."""
    ours: dict[str, Any] = {}
    rest: list[tuple[str, str]] = []
    for name, value in parse_qsl(query.replace("+", "%2B"), keep_blank_values=True):
        if name.lower() in ELSEWHERE:
            raise Misread(f"{name} cannot be set there: {ELSEWHERE[name.lower()]}")
        if name == "assume_role":
            ours[name] = value
        elif name in ("server_side_binding", "disable_server_side_cursors"):
            ours[name] = _switch(name, value)
        else:
            rest.append((name, value))
    return ours, urlencode(rest, quote_via=quote)  # quote_plus would write a space as +, which libpq takes for a plus


def _switch(name: str, value: str) -> bool:
    if value.lower() not in SWITCHES:
        raise Misread(f"{name} must be true or false")
    return SWITCHES[value.lower()]


def _as_libpq(url: str) -> dict[str, Any]:
    try:
        return dict(conninfo_to_dict(url))
    except psycopg.Error as error:
        unknown = re.search(r'invalid URI query parameter: "([^"]*)"', str(error))
        if unknown:
            raise Misread(f"PostgreSQL knows no parameter {unquote(unknown[1])!r}") from None
        raise Misread(
            "write %, and other special characters of the user's name or password, as %25 and so on"
        ) from None


def _check_ports(ports: str) -> None:
    for port in filter(None, str(ports).split(",")):
        if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
            raise Misread("the port must be a number from 1 to 65535; write a : in the user's name as %3A")
