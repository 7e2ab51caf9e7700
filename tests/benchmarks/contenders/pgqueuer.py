"""pgqueuer on PostgreSQL, with coroutines. It has no order of one user's jobs: its limits are per kind of job."""

import asyncio
import json
import os
from datetime import timedelta
from typing import Any

import psycopg
from django.db import connection as django_connection
from pgqueuer import PgQueuer
from pgqueuer.db import PsycopgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from tests.benchmarks import provider
from tests.benchmarks.contenders.base import Peer, Stage
from tests.benchmarks.processes import Processes
from tests.benchmarks.seeding import settle_down
from tests.benchmarks.sizes import CONCURRENCY
from tests.benchmarks.work import Work

QUEUE, ELSEWHERE = "sms", "email"
BATCH = 2_000
IDLE = timedelta(seconds=30)  # until it polls without having been notified
TABLES = ("pgqueuer", "pgqueuer_log")
JOBS = """
INSERT INTO pgqueuer (priority, created, updated, heartbeat, execute_after, status, entrypoint, payload)
SELECT 0, now(), now(), now(), now() + make_interval(secs => %(delay)s), 'queued', %(queue)s,
    convert_to(json_build_array(number, %(first)s + (number - 1) %% %(users)s)::text, 'UTF8')
FROM generate_series(1, %(messages)s) AS number
"""


class Pgqueuer(Peer):
    """One worker, which takes large batches, or as many jobs as the others have sends at once."""

    name = "pgqueuer"
    described = f"pgqueuer with psycopg, batches of {BATCH:,} ({CONCURRENCY} where the provider is slow)"
    keeps_order = False
    keeps = "a row of its log for each change of status"
    lacks = Peer.lacks | {"history": "it keeps no finished jobs"}

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        asyncio.run(_install(os.environ["DATABASE_URL"]))

    def seed(self, work: Work) -> None:
        self._stage.connection.execute(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY")
        others = work.users + 1
        self._insert(work.backoff, first=others, users=work.backoff, delay=3600.0)
        self._insert(work.hot, first=others, users=1)
        self._insert(work.elsewhere, first=others, users=work.elsewhere, queue=ELSEWHERE)
        self._insert(work.messages, users=work.users)
        settle_down(self._stage.connection, *TABLES)

    def _insert(self, messages: int, *, users: int, first: int = 1, queue: str = QUEUE, delay: float = 0.0) -> None:
        words = {"messages": messages, "users": users, "first": first, "queue": queue, "delay": delay}
        self._stage.connection.execute(JOBS, words)

    def start(self, work: Work, processes: Processes) -> None:
        batch = CONCURRENCY if work.is_slow else BATCH
        for _ in range(work.workers):
            processes.start_python("-m", __name__, BENCHMARK_BATCH=str(batch), **self.environment(work))

    def announce(self, number: int, user: int) -> None:
        with django_connection.cursor() as cursor:
            cursor.execute(JOBS, {"messages": 1, "users": 1, "first": user, "queue": QUEUE, "delay": 0.0})

    def announce_thrice(self, number: int, user: int) -> None:
        for _ in range(3):
            self.announce(number, user)


async def _install(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await Queries(PsycopgDriver(connection)).install()


async def _serve(url: str, batch: int) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        worker = PgQueuer(PsycopgDriver(connection))

        @worker.entrypoint(QUEUE)
        async def deliver(job: Job) -> None:
            number, user = json.loads(job.payload or b"[]")
            await provider.deliver_async(number, user)

        options: dict[str, Any] = {"batch_size": batch, "dequeue_timeout": IDLE}
        await worker.run(**options)


if __name__ == "__main__":
    asyncio.run(_serve(os.environ["DATABASE_URL"], int(os.environ["BENCHMARK_BATCH"])))
