"""Who is measured, in the order of the table. A peer that is not installed is named with the reason."""

import importlib

from tests.benchmarks.contenders.base import Contender, Stage
from tests.benchmarks.work import Missing

PLACES = {
    "relay": "relay.Relay",
    "celery": "celery.CeleryPrefork",
    "celery_threads": "celery.CeleryThreads",
    "seed": "celery.Seed",
    "pg_boss": "node_peers.PgBoss",
    "graphile_worker": "node_peers.GraphileWorker",
    "procrastinate": "procrastinate.Procrastinate",
    "pgqueuer": "pgqueuer.Pgqueuer",
    "django_q2": "django_q2.DjangoQ2",
    "post_office": "post_office.PostOffice",
    "sql_loop": "sql_loop.SqlLoop",
}
NAMES = tuple(PLACES)
OURS = ("tests", "notifications", "config")


def load(name: str, stage: Stage) -> Contender:
    """The contender called `name`. Raises Missing."""
    module, _, contender = PLACES[name].partition(".")
    try:
        loaded = importlib.import_module(f"{__name__}.{module}")
    except ModuleNotFoundError as error:
        if (error.name or "tests").startswith(OURS):
            raise
        raise Missing(f"{error.name} is not installed") from error
    made: Contender = getattr(loaded, contender)(stage)
    return made
