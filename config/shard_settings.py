"""The databases, and the addresses under which they are reached: one of each, or one for each of SHARDS."""

import os
from typing import Any

from config import shard_of, shards
from config.environment import database, env, refuse
from config.mounted_at import OUTBOX_SHARD_URLS, OUTBOX_SHARDS

_EMBEDDED = "config.embedded"  # a PostgreSQL of this project's own, started when first needed


def _databases() -> dict[str, dict[str, Any]]:
    if not OUTBOX_SHARDS:
        is_given = env.str("DATABASE_URL", default="")
        return {"default": database("DATABASE_URL") if is_given else {"ENGINE": _EMBEDDED, "NAME": "bookings"}}
    try:
        urls = shards.of_each(shards.DATABASE_URL, OUTBOX_SHARDS, os.environ, default=f"embedded:{shards.PLACE}")
    except shards.Misread as error:
        refuse(f"{error}.")
    found = {name: _database(name, url) for name, url in urls.items()}
    for name, parameters in found.items():
        if same := next((other for other in found if other != name and found[other] == parameters), None):
            refuse(f"DATABASE_URL leads the shards {name} and {same} to the same tables.")
    return {"default": {"ENGINE": "config.no_shard", "NAME": "none"}, **found}


def _database(shard: str, url: str) -> dict[str, Any]:
    if url == f"embedded:{shard}":
        return {"ENGINE": _EMBEDDED, "NAME": f"bookings_{shard}"}
    variable = shards.own(shards.DATABASE_URL, shard)
    return database(variable if os.environ.get(variable) else shards.DATABASE_URL, text=url)


DATABASES = _databases()
# What Django keeps by a database's name, such as content types, it must not keep by the name `default` of all shards.
DATABASE_ROUTERS = ["notifications.shards.ShardRouter"] if OUTBOX_SHARDS else []
OUTBOX_OPERATORS_SHARD = env.str("OPERATORS_SHARD", default="")  # whose staff see how all shards are
if OUTBOX_OPERATORS_SHARD and OUTBOX_OPERATORS_SHARD not in OUTBOX_SHARDS:
    refuse(f"OPERATORS_SHARD must be one of SHARDS, not {OUTBOX_OPERATORS_SHARD!r}.")
SHARD_OF = env.str("SHARD_OF", default="") or "config.shard_of.by_host"
if SHARD_OF.startswith("config.shard_of.") and (wrong := shard_of.wrong_with(SHARD_OF, OUTBOX_SHARD_URLS)):
    refuse(f"{wrong}.")
