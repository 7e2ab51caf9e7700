"""Celery on Redis, which most people pick: without acknowledgement after the work, without order, without records.

The Redis is started for the benchmark, writes nothing to disk and is reached through a socket file: the best case.
"""

import base64
import json
import os
import uuid
from typing import Any

from celery import Celery
from django.db import transaction

from tests.benchmarks import provider
from tests.benchmarks.contenders.base import Peer, Stage
from tests.benchmarks.processes import Processes
from tests.benchmarks.redis_server import URL, address
from tests.benchmarks.sizes import CONCURRENCY
from tests.benchmarks.work import Missing, Work

APP = "tests.benchmarks.contenders.celery"
QUEUE, ELSEWHERE = "sms", "email"

app = Celery("benchmark", broker=os.environ.get(URL))
app.conf.task_ignore_result = True
app.conf.task_default_queue = QUEUE
app.conf.broker_connection_retry_on_startup = True


@app.task
def deliver(number: int, user: int) -> None:
    provider.deliver(number, user)


class CeleryPrefork(Peer):
    """One worker as `celery worker` starts it: a process for each processor."""

    name = "celery"
    described = "Celery with Redis, one prefork worker, default options"
    keeps_order = False
    keeps = "nothing"
    lacks = Peer.lacks | {
        "history": "it keeps no finished tasks",
        "has_old_snapshot": "it does not use the database",
    }
    pool = "prefork"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._redis = app.connection_for_write(address()).default_channel.client

    def seed(self, work: Work) -> None:
        """Copies of a message that Celery itself made, with other numbers."""
        self._redis.flushall()
        self._push(QUEUE, [(0, work.users + 1)] * work.hot)
        self._push(ELSEWHERE, [(0, 0)] * work.elsewhere)
        self._push(QUEUE, [(0, work.users + 2)] * work.backoff, countdown=3600)
        self._push(QUEUE, [(number, 1 + (number - 1) % work.users) for number in range(1, work.messages + 1)])

    def start(self, work: Work, processes: Processes) -> None:
        options = [f"--pool={self.pool}", "--loglevel=ERROR", "--queues", QUEUE]
        if work.is_slow or self.pool == "threads":
            options.append(f"--concurrency={CONCURRENCY}")
        for number in range(work.workers):
            named = f"--hostname=worker{number}@benchmark"
            processes.start_python("-m", "celery", "-A", APP, "worker", named, *options, **self.environment(work))

    def announce(self, number: int, user: int) -> None:
        transaction.on_commit(lambda: deliver.delay(number, user))

    def announce_thrice(self, number: int, user: int) -> None:
        for _ in range(3):
            deliver.delay(number, user)

    def _push(self, queue: str, arguments: list[tuple[int, int]], **options: Any) -> None:
        deliver.apply_async((0, 0), queue="template", **options)
        template = json.loads(self._redis.lpop("template"))
        with self._redis.pipeline(transaction=False) as pipeline:
            for position, pair in enumerate(arguments, start=1):
                pipeline.lpush(queue, _copy(template, queue, pair))
                if position % 1000 == 0:
                    pipeline.execute()
            pipeline.execute()


class CeleryThreads(CeleryPrefork):
    """One worker with a pool of threads."""

    name = "celery_threads"
    described = f"Celery with Redis, one worker with {CONCURRENCY} threads"
    pool = "threads"


class Seed(CeleryPrefork):
    """What most people have: a task for each message, which calls Twilio's client."""

    name = "seed"
    described = "Celery with Redis, one prefork worker, default options, whose task renders and calls Twilio's client"
    lacks = {}

    def refuse(self, work: Work) -> None:
        if not work.is_real or work.channel != "sms":
            raise Missing("measured only with the real client for SMS")


def _copy(template: dict[str, Any], queue: str, pair: tuple[int, int]) -> str:
    number = str(uuid.uuid4())
    body = base64.b64encode(json.dumps([pair, {}, {"callbacks": None}]).encode()).decode()
    headers = template["headers"] | {"id": number, "root_id": number, "argsrepr": repr(pair)}
    delivery = {"exchange": "", "routing_key": queue}
    properties = template["properties"] | {
        "correlation_id": number,
        "delivery_tag": str(uuid.uuid4()),
        "delivery_info": delivery,
    }
    return json.dumps(template | {"body": body, "headers": headers, "properties": properties})
