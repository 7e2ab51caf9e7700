"""Loses the primary and promotes the standby, and measures from the history who was back after how long.

*killed*: every process of it gets SIGKILL. *silent*: SIGSTOP, so that it takes connections and answers nothing. In both
its address leads to it until the standby is promoted. *read-only*: it is killed, and its address leads to the standby,
which for some seconds can only be read.
"""

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import requests
from django.db import DatabaseError

from config.demo.processes import DidNotStart
from tests.chaos.history import Deed, History
from tests.chaos.plan import RELAYS

if TYPE_CHECKING:
    from tests.chaos.stage import Stage

GROUP = "failover"  # of the tasks that show when qcluster is back
REHEARSAL = "rehearsal"  # of the tasks that show that it is there before
TASK = "bookings.schedules.expire_holds"
LINKS = "database:*"
LOST_SECONDS = 4.0  # until the standby is promoted: longer than it takes to give a silent server up
READY_SECONDS = 300.0  # for a new standby to catch up, and for who was killed just before
LOOK_SECONDS = 0.5
FRESH = timedelta(seconds=2)  # a relay's heartbeat, if it lives
MOST_SECONDS = 10.0  # from the promotion until web, relay and qcluster are back


@dataclass(frozen=True, slots=True)
class Failover:
    """How the primary was lost, and the seconds from the promotion until each was back; None: not seen any more.

    `web`: the first answer to a customer that a commit had to precede; `relay`: the first message that a relay claimed;
    `qcluster`: it began a task that was queued at the promotion.
    """

    how: str
    web: float | None
    relay: float | None
    qcluster: float | None

    @property
    def is_late(self) -> bool:
        return any(each is None or each > MOST_SECONDS for each in (self.web, self.relay, self.qcluster))

    def told(self) -> str:
        """For people."""
        back = {"web": self.web, "relay": self.relay, "qcluster": self.qcluster}
        said = ", ".join(
            f"{name} {'never' if seconds is None else f'{seconds:.2f} s'}" for name, seconds in back.items()
        )
        return f"After a primary was lost ({self.how}), back from the promotion on: {said}"


def fail_over(stage: "Stage", how: str, *, look_after: Callable[[], None]) -> Deed:
    """Lose the primary in this way and promote the standby; until then commits waited for it.

    Everybody is there before: what was killed just now would come back late without a failover, too.
    """
    pair = stage.pair
    assert pair is not None
    is_everybody_there = _rehearsal(stage)
    _until(lambda: pair.is_synchronous and is_everybody_there(), READY_SECONDS, look_after)
    if not pair.is_synchronous:
        raise DidNotStart("The standby has not caught up.")
    began = time.time()
    pair.lose(signal.SIGSTOP if how == "silent" else signal.SIGKILL)
    if how == "read-only":
        stage.network.order("lead", LINKS, pair.standby.socket)
    _until(lambda: False, LOST_SECONDS, look_after)
    pair.promote()
    promoted = time.time()
    stage.network.order("lead", LINKS, pair.socket)
    pair.replace_lost()
    _queue_a_task(GROUP)
    return Deed("failover", f"database {how}", began, promoted)


def _queue_a_task(group: str) -> None:
    from django.db import connections  # noqa: PLC0415  (once Django is set up)
    from django_q.tasks import async_task  # noqa: PLC0415

    connections.close_all()  # they lead to the lost server, or to one from before a restart
    async_task(TASK, group=group)


def _rehearsal(stage: "Stage") -> Callable[[], bool]:
    """Says whether the web answers, each relay lives, and qcluster has done a task that is queued now."""
    from django.db import connections  # noqa: PLC0415  (once Django is set up)
    from django_q.models import Task  # noqa: PLC0415

    from notifications.models import Relay  # noqa: PLC0415
    from notifications.selectors.database_clock import database_now  # noqa: PLC0415

    asked_at, answer = 0.0, False
    connections.close_all()  # the plan has restarted the database since they were made
    done = Task.objects.filter(group=REHEARSAL).count()
    _queue_a_task(REHEARSAL)

    def is_everybody_there() -> bool:
        nonlocal asked_at, answer
        if not answer and time.monotonic() - asked_at > LOOK_SECONDS:
            asked_at = time.monotonic()
            try:
                answer = (
                    Task.objects.filter(group=REHEARSAL).count() > done
                    and Relay.objects.filter(heartbeat_at__gt=database_now() - FRESH).count() >= len(RELAYS)
                    and requests.get(f"{stage.web}/healthz", timeout=2).ok
                )
            except requests.RequestException:
                pass
            except DatabaseError:
                connections.close_all()
        return answer

    return is_everybody_there


def _until(condition: Callable[[], bool], seconds: float, look_after: Callable[[], None]) -> None:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        look_after()


def failovers(history: History) -> Iterator[Failover]:
    """Each failover of the campaign."""
    for deed in history.deeds:
        if deed.what == "failover":
            web = (answer.answered for answer in history.answers if answer.what in ("booked", "cancelled"))
            relay = (step.at for step in history.transitions if step.became == "sending")
            seconds = (_first(deed.ended, moments) for moments in (web, relay, history.tasks))
            yield Failover(deed.target.removeprefix("database "), *seconds)


def _first(promoted: float, moments: Iterator[float] | list[float]) -> float | None:
    later = [at - promoted for at in moments if at > promoted]
    return round(min(later), 3) if later else None
