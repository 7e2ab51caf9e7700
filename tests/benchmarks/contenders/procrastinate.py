"""procrastinate with a lock for each user: a peer that keeps a user's messages in order, on PostgreSQL."""

from procrastinate.contrib.django import app

from tests.benchmarks import provider
from tests.benchmarks.contenders.base import Peer
from tests.benchmarks.processes import Processes
from tests.benchmarks.seeding import settle_down
from tests.benchmarks.sizes import CONCURRENCY
from tests.benchmarks.work import CONTEXT, Work

QUEUE, ELSEWHERE = "sms", "email"
TASK = "benchmark.deliver"
TABLES = ("procrastinate_jobs", "procrastinate_events", "procrastinate_workers")
# The triggers write each job's events; they are left on, so that a seeded job is as one that was deferred.
JOBS = """
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args, status, scheduled_at, attempts)
SELECT %(queue)s, %(task)s, 'user-' || (%(first)s + (number - 1) %% %(users)s),
    jsonb_build_object('number', number, 'user', %(first)s + (number - 1) %% %(users)s),
    %(status)s::procrastinate_job_status, now() + make_interval(secs => %(delay)s), %(attempts)s
FROM generate_series(1, %(messages)s) AS number
"""


@app.task(name=TASK, queue=QUEUE)
async def deliver(number: int, user: int) -> None:
    await provider.deliver_async(number, user)


class Procrastinate(Peer):
    """One worker; its tasks are coroutines, because it runs only a few threads."""

    name = "procrastinate"
    described = f"procrastinate, a lock per user, one worker of concurrency {CONCURRENCY}"
    keeps_order = True
    keeps = "the job's row, and a row for each of its events"

    def seed(self, work: Work) -> None:
        self._stage.connection.execute(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY CASCADE")
        self._defer(work.history, users=work.users, status="succeeded", attempts=1)
        others = work.users + 1
        self._defer(work.backoff, first=others, users=work.backoff, delay=3600.0)
        self._defer(work.hot, first=others, users=1)
        self._defer(work.elsewhere, first=others, users=work.elsewhere, queue=ELSEWHERE)
        self._defer(work.messages, users=work.users)
        settle_down(self._stage.connection, *TABLES)

    def start(self, work: Work, processes: Processes) -> None:
        options = ["--queues", QUEUE, "--concurrency", str(CONCURRENCY)]
        for _ in range(work.workers):
            processes.start_python("manage.py", "procrastinate", "worker", *options, **self.environment(work))

    def announce(self, number: int, user: int) -> None:
        deliver.configure(lock=f"user-{user}").defer(number=number, user=user)

    def announce_thrice(self, number: int, user: int) -> None:
        for _ in range(3):
            self.announce(number, user)

    def announce_to_many(self, users: int) -> None:
        deliver.batch_defer(*({"number": user, "user": user, "context": CONTEXT} for user in range(1, users + 1)))

    def _defer(
        self,
        messages: int,
        *,
        users: int,
        first: int = 1,
        queue: str = QUEUE,
        status: str = "todo",
        attempts: int = 0,
        delay: float = 0.0,
    ) -> None:
        words = {"messages": messages, "users": users, "first": first, "queue": queue}
        self._stage.connection.execute(
            JOBS, words | {"task": TASK, "status": status, "attempts": attempts, "delay": delay}
        )
