"""What django-q2's cluster may run: the functions of settings.SCHEDULES, without arguments, whatever its tables say.

django-q2 calls any dotted path that stands in its tables, as a task, as a hook or as the next of a chain, and
unpickles what it is handed. Whoever writes a row there would run anything with the cluster's secrets. Here the tables
say only *when*: the function comes from the settings, and a queued task that asks for more is dropped and logged.
"""

import io
import logging
import pickle
from collections.abc import Mapping
from datetime import datetime, timedelta
from datetime import timezone as datetime_timezone
from time import sleep
from typing import Any

from django.conf import settings
from django.db import Error, close_old_connections, transaction
from django.db.models.signals import post_save
from django.utils import timezone
from django_q import cluster, core_signing
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import Schedule, Task
from django_q.signals import call_hook
from django_q.tasks import async_task

from bookings.scheduled_tasks import paused_functions

KNOWN_KEYS = {"id", "name", "func", "args", "kwargs", "started", "group", "ack_failure", "cluster"}
AWAY_SECONDS = 1.0  # from one look for tasks to the next while the database is away
MOST_LOGGED = 100  # characters of a refused function's name

log = logging.getLogger(__name__)


def call_no_hooks() -> None:
    """Have no process call the dotted path that a result's row names as its hook, as django-q2 does on saving it."""
    post_save.disconnect(call_hook, sender=Task)


def restrict() -> None:
    """Have the clusters that this process starts queue nothing else."""
    cluster.scheduler = scheduler


def scheduler(broker: ORM | None = None) -> None:
    """Queue the tasks that are due. Replaces django-q2's own, which takes the function from the table.

    The cluster's guard calls it, twice a minute. An error would end the guard, and with it the cluster, for good.
    """
    close_old_connections()
    try:
        _log_foreign_schedules()
        _queue_what_is_due(broker)
    except Error as error:
        log.warning("The schedules cannot be read just now: %s", error)
    except Exception:
        log.exception("The schedules could not be carried out.")


def _queue_what_is_due(broker: ORM | None) -> None:
    now = timezone.now()
    with transaction.atomic():
        ours = Schedule.objects.select_for_update().filter(name__in=settings.SCHEDULES)
        for schedule in ours.exclude(repeats=0).filter(next_run__lt=now).order_by("name"):
            function, minutes = settings.SCHEDULES[schedule.name]
            period = timedelta(minutes=minutes)
            schedule.next_run += ((now - schedule.next_run) // period + 1) * period
            schedule.task = async_task(function, group=schedule.name, broker=broker)
            schedule.save(update_fields=["next_run", "task"])


def refusal(task: Any) -> str:
    """Why the cluster does not run `task`, as django-q2 packs it; empty if it does."""
    if not isinstance(task, Mapping):
        return "it is no task"
    if not isinstance(task.get("func"), str) or task["func"] not in {name for name, _ in settings.SCHEDULES.values()}:
        return f"{str(task.get('func'))[:MOST_LOGGED]!r} is not in settings.SCHEDULES"
    if task.get("args") or task.get("kwargs"):
        return "a scheduled function takes no arguments"
    if unknown := set(task) - KNOWN_KEYS:
        return f"it asks for {', '.join(sorted(map(str, unknown)))}"
    return ""


class Broker(ORM):  # type: ignore[misc]  # django-q2 has no types
    """django-q2's queue in PostgreSQL, from which only tasks that may run are handed out."""

    def dequeue(self) -> list[tuple[int, str]]:
        """An error would end the process that asks, after ten seconds, until the cluster's guard starts another."""
        try:
            return self._allowed()
        except Error as error:
            log.warning("The queue cannot be read just now: %s", error)
            sleep(AWAY_SECONDS)
            return []

    def _allowed(self) -> list[tuple[int, str]]:
        allowed = []
        queued = super().dequeue() or []
        paused = paused_functions() if queued else set()
        for pk, payload in queued:
            task = _read(payload)
            if why := (task if isinstance(task, str) else refusal(task)):
                log.error("A queued task was refused and removed: %s", why)
                self.fail(pk)
            elif task["func"] in paused:
                log.info("A queued task was removed, because its schedule is paused: %s", task["func"])
                self.fail(pk)
            else:
                allowed.append((pk, payload))
        return allowed


def _read(payload: str) -> Any:
    """The task in `payload`, or why it cannot be read. Nothing in it is called or imported to find that out."""
    try:
        return core_signing.loads(payload, key=Conf.SECRET_KEY, salt=Conf.PREFIX, serializer=_PlainSerializer)
    except Exception as error:  # noqa: BLE001  (broken bytes fail in many ways, all of them a refusal)
        return f"it cannot be read: {type(error).__name__}"


PLAIN = {
    ("datetime", "datetime"): datetime,
    ("datetime", "timedelta"): timedelta,
    ("datetime", "timezone"): datetime_timezone,
}


class _PlainUnpickler(pickle.Unpickler):
    """Reads a pickle of plain values and moments; any other class in it is an error."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return PLAIN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not a plain value") from None


class _PlainSerializer:
    """As the signing wants it."""

    @staticmethod
    def loads(data: bytes) -> Any:
        return _PlainUnpickler(io.BytesIO(data)).load()


_logged: set[tuple[int, str]] = set()


def _log_foreign_schedules() -> None:
    """Say once of each row that somebody else wrote that it is left alone."""
    foreign = Schedule.objects.exclude(repeats=0).exclude(name__in=settings.SCHEDULES)
    wrong = [(pk, func) for pk, func in foreign.values_list("pk", "func")]
    named = Schedule.objects.filter(name__in=settings.SCHEDULES).values_list("pk", "name", "func")
    wrong += [(pk, func) for pk, name, func in named if func != settings.SCHEDULES[name][0]]
    for row in wrong:
        if row not in _logged:
            _logged.add(row)
            log.error(
                "Schedule %s asks for %r, which is not its function in settings.SCHEDULES: refused.",
                row[0],
                row[1][:MOST_LOGGED],
            )
