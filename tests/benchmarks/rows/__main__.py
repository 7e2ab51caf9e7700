"""`python -m tests.benchmarks.rows`: today's rows beside others, in rounds that take turns. Prints medians.

Each variant has a copy of the migrated database. What a message costs to publish, to send and to keep is measured with
the relay's own statements or with what they would become (`variants`).
"""

import argparse
import statistics
from contextlib import ExitStack
from dataclasses import fields

import django.db
import psycopg
from psycopg import sql

from config.scratch_databases import with_database
from tests.benchmarks import database
from tests.benchmarks.rows.measure import Round, measured
from tests.benchmarks.rows.variants import VARIANTS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.rows", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--users", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--variants", nargs="+", choices=[variant.name for variant in VARIANTS])
    options = parser.parse_args()
    with ExitStack() as stack:
        url = stack.enter_context(database.claimed())
        with database.migrated(url):
            django.db.connections.close_all()  # a copy is made of a database that nobody uses
        connections = {}
        for variant in VARIANTS:
            if options.variants is None or variant.name in options.variants:
                connection = connections[variant] = stack.enter_context(copy_of(url, variant.name))
                connection.execute(variant.tables)
        rounds: dict[str, list[Round]] = {variant.name: [] for variant in connections}
        for _ in range(options.rounds):
            for variant, connection in connections.items():
                figures = measured(connection, variant, messages=options.messages, users=options.users)
                rounds[variant.name].append(figures)
        show(rounds)


def copy_of(url: str, name: str) -> psycopg.Connection[tuple[object, ...]]:
    """A connection to a copy of the database at `url`, made anew. It plans as a relay's does."""
    with psycopg.connect(with_database(url, "postgres"), autocommit=True) as connection:
        from_name = sql.Identifier(psycopg.conninfo.conninfo_to_dict(url)["dbname"])
        copied = sql.Identifier(f"rows_{name}")
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(copied))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(copied, from_name))
    copy = psycopg.connect(with_database(url, f"rows_{name}"), autocommit=True, prepare_threshold=3)
    copy.execute("SET plan_cache_mode = force_custom_plan")
    return copy


def show(rounds: dict[str, list[Round]]) -> None:
    names = [field.name for field in fields(Round)]
    print(" " * 10, *(f"{name:>15}" for name in names), f"{'of the first':>15}")
    first = next(iter(rounds.values()))
    for name, its in rounds.items():
        medians = [statistics.median(getattr(one, field) for one in its) for field in names]
        pairs = zip(its, first, strict=True)
        ratio = statistics.median(mine.per_second / theirs.per_second for mine, theirs in pairs)
        print(f"{name:10}", *(f"{median:15,.0f}" for median in medians), f"{ratio:15.2f}")


if __name__ == "__main__":
    main()
