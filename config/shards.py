"""Reads SHARDS: the names of databases that each hold a whole business, all served by the same processes.

    SHARDS=north,south
    DATABASE_URL=postgresql://bookings:secret@db/bookings?options=-c%20search_path%3D{shard}
    PUBLIC_URL=https://{shard}.example.com

`{shard}` stands for the name. A shard whose database or address is unlike the others' has a variable of its own, as
SHARD_NORTH_DATABASE_URL or SHARD_NORTH_PUBLIC_URL.
"""

import re
from collections.abc import Mapping

PLACE = "{shard}"
NAME = re.compile("[a-z][a-z0-9_]{0,30}")
RESERVED = ("all", "default")  # what --database and Django mean otherwise
DATABASE_URL, PUBLIC_URL = VARIABLES = ("DATABASE_URL", "PUBLIC_URL")
OWN = re.compile(f"SHARD_(.+)_({'|'.join(VARIABLES)})")


class Misread(ValueError):
    """The variables cannot be read; the words name the one at fault, and end without a stop."""


def names(text: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The shards that SHARDS, which is `text`, names in order; none: there is one database. Raises Misread."""
    found = tuple(filter(None, (name.strip() for name in text.split(","))))
    for name in found:
        if not NAME.fullmatch(name) or name in RESERVED:
            allowed = "small letters, digits and _, a letter first, 31 at most"
            raise Misread(f"SHARDS has {name!r}: a name has {allowed}, and is not {' or '.join(RESERVED)}")
        if found.count(name) > 1:
            raise Misread(f"SHARDS names {name} twice")
    _refuse_strays(environment, found)
    return found


def of_each(variable: str, shards: tuple[str, ...], environment: Mapping[str, str], *, default: str) -> dict[str, str]:
    """The value of `variable` for each shard, by name. Raises Misread if two have the same.

    No value is part of the words: it may hold a password.
    """
    template = environment.get(variable) or default
    values = {name: environment.get(own(variable, name)) or template.replace(PLACE, name) for name in shards}
    for name, value in values.items():
        if same := next((other for other in shards if other != name and values[other] == value), None):
            raise Misread(
                f"{variable} is the same for the shards {name} and {same}: write {PLACE} where the name goes, or set "
                f"{own(variable, same)}"
            )
    return values


def own(variable: str, shard: str) -> str:
    """The variable that holds for this shard alone."""
    return f"SHARD_{shard.upper()}_{variable}"


def _refuse_strays(environment: Mapping[str, str], shards: tuple[str, ...]) -> None:
    for name, value in environment.items():
        found = OWN.fullmatch(name)
        if found and value and found[1] not in map(str.upper, shards):
            raise Misread(f"{name} is set, and SHARDS names no shard {found[1].lower()}")
    for variable in VARIABLES:
        if not shards and PLACE in environment.get(variable, ""):
            raise Misread(f"{variable} has {PLACE}, and SHARDS names none")
