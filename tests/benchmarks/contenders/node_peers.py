"""The peers that run on Node: pg-boss and graphile-worker. Their workers are in `node`, beside what npm installs."""

import os
import subprocess
from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from django.db import connection as django_connection

from tests.benchmarks.contenders.base import Peer, Stage
from tests.benchmarks.processes import Processes
from tests.benchmarks.seeding import settle_down
from tests.benchmarks.sizes import CONCURRENCY
from tests.benchmarks.work import Failed, Missing, Work

FOLDER = Path(__file__).parent / "node"
NODE = FOLDER / "node_modules" / ".bin" / "node"
QUEUE, ELSEWHERE = "sms", "email"
DATABASE = "BENCHMARK_DATABASE_URL"
PREPARE_SECONDS = 60.0


class NodePeer(Peer):
    """A worker of one process, which keeps the order of a user's jobs."""

    keeps_order = True
    script: ClassVar[str]
    package: ClassVar[str]
    tables: ClassVar[tuple[str, ...]]
    jobs: ClassVar[str]  # inserts `messages` jobs for `users` users from `first` on, due after `delay` seconds
    job: ClassVar[str]  # publishes one, as the package's own function for it does
    at_once: ClassVar[int]  # of the jobs that take no time

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        if not NODE.exists() or not (FOLDER / "node_modules" / self.package).is_dir():
            raise Missing(f"{self.package} is not installed: `make bench` gets it with Node 22 where there is an npm")
        self._prepare()

    def _prepare(self) -> None:
        command = [str(NODE), str(FOLDER / self.script), "prepare"]
        environment = os.environ | {DATABASE: os.environ["DATABASE_URL"], "BENCHMARK_JOURNAL": os.devnull}
        ran = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=PREPARE_SECONDS, check=False
        )
        if ran.returncode:
            raise Failed(f"{self.package} made no schema: {ran.stderr[-500:]}")

    def seed(self, work: Work) -> None:
        self.empty()
        others = work.users + 1
        self._insert(work.backoff, first=others, users=work.backoff, delay=3600.0)
        self._insert(work.hot, first=others, users=1)
        self._insert(work.elsewhere, first=others, users=work.elsewhere, queue=ELSEWHERE)
        self._insert(work.messages, users=work.users)
        settle_down(self._stage.connection, *self.tables)

    @abstractmethod
    def empty(self) -> None:
        """Forget all jobs."""

    def _insert(self, messages: int, *, users: int, first: int = 1, queue: str = QUEUE, delay: float = 0.0) -> None:
        if messages:
            words = {"messages": messages, "users": users, "first": first, "queue": queue, "delay": delay}
            self._stage.connection.execute(self.jobs, words)

    def start(self, work: Work, processes: Processes) -> None:
        at_once = str(CONCURRENCY if work.is_slow else self.at_once)
        database = {DATABASE: os.environ["DATABASE_URL"]}
        for _ in range(work.workers):
            processes.start(str(NODE), str(FOLDER / self.script), at_once, **database | self.environment(work))

    def announce(self, number: int, user: int) -> None:
        with django_connection.cursor() as cursor:
            cursor.execute(self.job, {"queue": QUEUE, "number": number, "user": user})

    def announce_thrice(self, number: int, user: int) -> None:
        for _ in range(3):
            self.announce(number, user)


class PgBoss(NodePeer):
    """pg-boss takes a batch of jobs, one of each key, and writes it off when all of it has ended."""

    name = "pg_boss"
    described = "pg-boss, policy key_strict_fifo with a key per user, batches of 2,000 (32 where the provider is slow)"
    keeps = "the job's row, for seven days"
    lacks = Peer.lacks | {"history": "finished jobs were not seeded for it"}
    script, package = "pg_boss.mjs", "pg-boss"
    tables = ("pgboss.job_common",)
    at_once = 2_000
    jobs = """
    INSERT INTO pgboss.job_common (name, policy, singleton_key, data, created_on, start_after)
    SELECT %(queue)s, 'key_strict_fifo', 'user-' || (%(first)s + (number - 1) %% %(users)s),
        jsonb_build_object('number', number, 'user', %(first)s + (number - 1) %% %(users)s),
        now() - interval '1 minute' + number * interval '1 microsecond', now() + make_interval(secs => %(delay)s)
    FROM generate_series(1, %(messages)s) AS number
    """
    job = """
    WITH sent AS (
        INSERT INTO pgboss.job (name, policy, singleton_key, data)
        VALUES (%(queue)s, 'key_strict_fifo', 'user-' || %(user)s,
                jsonb_build_object('number', %(number)s::bigint, 'user', %(user)s::bigint))
    )
    SELECT pg_notify('pgboss_' || left(encode(sha224('pgboss'::bytea), 'hex'), 24), %(queue)s)
    """

    def empty(self) -> None:
        self._stage.connection.execute("TRUNCATE pgboss.job_common")


class GraphileWorker(NodePeer):
    """graphile-worker runs the jobs of one queue's name one after another."""

    name = "graphile_worker"
    described = "graphile-worker, a queue name per user, a local queue of 500, 32 jobs at once"
    keeps = "nothing: a finished job is deleted"
    lacks = Peer.lacks | {"history": "it keeps no finished jobs"}
    script, package = "graphile_worker.mjs", "graphile-worker"
    tables = ("graphile_worker._private_jobs", "graphile_worker._private_job_queues")
    at_once = CONCURRENCY
    jobs = """
    SELECT count(graphile_worker.add_job(%(queue)s,
        json_build_object('number', number, 'user', %(first)s + (number - 1) %% %(users)s),
        queue_name := 'user-' || (%(first)s + (number - 1) %% %(users)s),
        run_at := now() - interval '1 minute' + number * interval '1 microsecond' + make_interval(secs => %(delay)s)))
    FROM generate_series(1, %(messages)s) AS number
    """
    job = """
    SELECT id FROM graphile_worker.add_job(%(queue)s,
        json_build_object('number', %(number)s::bigint, 'user', %(user)s::bigint), queue_name := 'user-' || %(user)s)
    """

    def empty(self) -> None:
        self._stage.connection.execute(f"TRUNCATE {', '.join(self.tables)} RESTART IDENTITY CASCADE")
