"""The guarantees on Citus: `CITUS_URL=postgresql://… python -m tests.stage.citus [pytest's arguments]`.

CITUS_URL names a database on a coordinator with its workers, in which the schemas of SCHEMAS are made anew. Each gets
all migrations, and is then moved to a worker. The files of tests/guarantees are dealt out to them in turn, so every
worker that has a schema is tried. Tests of what a shard cannot be are left out, as LEFT_OUT says.
"""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEMAS = ("guarantees_1", "guarantees_2", "guarantees_3", "guarantees_4")
CITUS_URL = "CITUS_URL"
ABSENT = "CITUS_URL names no Citus: skipped. Set it to a database on a coordinator, as postgresql://user@host/database."
BUFFERS = "its measure is the buffers that EXPLAIN counts, and those of a worker are not in it"
LEFT_OUT = {
    "test_ids_follow_commits_because_the_sequence_caches_nothing": "Citus changes no sequence of a distributed table",
    "test_a_claim_costs_the_same_beside": BUFFERS,
    "test_a_settle_reads_nothing_but_its_messages_and_their_lanes_beside": BUFFERS,
    "test_a_promotion_reads_nothing_but_its_lanes_beside": BUFFERS,
    "test_a_claim_that_remembers_its_place_walks_past_no_dead_entries": BUFFERS,
}


def make(url: str, schema: str) -> str:
    """Make `schema` anew and move it to a worker; the URL of a database whose tables are there."""
    name = sql.Identifier(schema)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET client_min_messages = error")
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(name))
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
        within = f"{url}{'&' if '?' in url else '?'}options={quote(f'-c search_path={schema}')}"
        environment = os.environ | {"DATABASE_URL": within, "DJANGO_DEBUG": "1"}
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
        # Two tables have a trigger that lets nobody change a row of the record. It touches no other row.
        connection.execute("SET citus.enable_unsafe_triggers = on")
        connection.execute("SELECT citus_schema_distribute(%s)", [schema])
    return within


def main() -> int:
    """Run the guarantees' tests; the worst of pytest's exit codes."""
    url = os.environ.get(CITUS_URL, "")
    if not url:
        print(ABSENT)
        return 0
    files = sorted(str(path) for path in (ROOT / "tests" / "guarantees").glob("test_*.py"))
    codes = []
    for place, schema in enumerate(SCHEMAS):
        environment = os.environ | {"DATABASE_URL": make(url, schema), "TESTS_ON_CITUS": "1"}
        left_out = " and ".join(f"not {name}" for name in LEFT_OUT)
        dealt = files[place :: len(SCHEMAS)]
        command = [sys.executable, "-m", "pytest", "--reuse-db", "-k", left_out, *dealt, *sys.argv[1:]]
        codes.append(subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
