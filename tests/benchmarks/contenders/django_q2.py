"""django-q2 with its ORM broker: tasks in the same PostgreSQL, without order."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import uuid4

from django.utils import timezone
from django_q.signing import SignedPackage
from django_q.tasks import async_task

from tests.benchmarks.contenders.base import Peer
from tests.benchmarks.processes import Processes
from tests.benchmarks.seeding import settle_down
from tests.benchmarks.sizes import CONCURRENCY
from tests.benchmarks.work import Work

QUEUE, ELSEWHERE = "benchmark", "elsewhere"
TASK = "tests.benchmarks.provider.deliver"
TABLES = ("django_q_ormq", "django_q_task", "django_q_schedule")
FINISHED = """
INSERT INTO django_q_task (id, name, func, args, kwargs, started, stopped, success, attempt_count)
SELECT md5(number::text), 'earlier-' || number, %(task)s, 'gAUpLg==', 'gAV9lC4=', now(), now(), true, 1
FROM generate_series(1, %(messages)s) AS number
"""


class DjangoQ2(Peer):
    """One cluster with a worker for each processor, or as many as the others have sends at once."""

    name = "django_q2"
    described = "django-q2 with the ORM broker, one cluster, a worker per processor"
    keeps_order = False
    keeps = "the task's row"

    def seed(self, work: Work) -> None:
        connection = self._stage.connection
        connection.execute(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY")
        connection.execute(FINISHED, {"messages": work.history, "task": TASK})
        later = timezone.now() + timedelta(hours=1)
        self._queue(((0, work.users + 2) for _ in range(work.backoff)), due=later)
        self._queue((0, work.users + 1) for _ in range(work.hot))
        self._queue(((0, 0) for _ in range(work.elsewhere)), key=ELSEWHERE)
        self._queue((number, 1 + (number - 1) % work.users) for number in range(1, work.messages + 1))
        settle_down(connection, *TABLES)

    def start(self, work: Work, processes: Processes) -> None:
        environment = self.environment(work)
        if work.is_slow:
            environment["BENCHMARK_WORKERS"] = str(CONCURRENCY)
        for _ in range(work.workers):
            processes.start_python("manage.py", "qcluster", **environment)

    def announce(self, number: int, user: int) -> None:
        async_task(TASK, number, user)

    def announce_thrice(self, number: int, user: int) -> None:
        for _ in range(3):
            async_task(TASK, number, user)

    def _queue(self, calls: Iterator[tuple[int, int]], *, key: str = QUEUE, due: datetime | None = None) -> None:
        """What `async_task` would write, in bulk: in backoff means locked until it is due."""
        now = timezone.now()
        with (
            self._stage.connection.cursor() as cursor,
            cursor.copy("COPY django_q_ormq (key, payload, lock) FROM STDIN") as copy,
        ):
            for pair in calls:
                number = uuid4().hex
                task = {"id": number, "name": number, "func": TASK, "args": pair, "kwargs": {}, "started": now}
                copy.write_row((key, SignedPackage.dumps(task), due or now))
