"""A campaign's course: the stage is set, customers come, the plan is carried out, everything comes to rest, and the
history is judged.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from bookings import reconciliation, refunds
from bookings.models import Order, Refund, Slot
from config.demo import seed as people
from notifications.selectors.overview import overview
from tests.chaos import checker, gather, recovery
from tests.chaos.director import Director
from tests.chaos.history import Deed, Finding, History
from tests.chaos.plan import RELAYS, ROUTES, Fault
from tests.chaos.stage import Stage

CUSTOMERS = 150
CANCELS = 0.44  # of all visits
REST_SECONDS = 180.0  # for everything to come to rest when nothing disturbs it any more
SMALL_SEATS, MANY_SEATS = 12, 100_000
DISCOVERIES = 5  # failures by which one relay finds out that a route's provider is out of service


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it. `outage_charged`: attempts that the outage used up beyond what its discovery takes."""

    history: History
    faults: dict[str, list[Finding]]
    recovery: recovery.Recovery
    counts: dict[str, int]
    crashes: list[str]
    outage_seconds: float
    outage_charged: int
    seconds: float


def run(
    stage: Stage,
    faults: tuple[Fault, ...],
    *,
    seed: int,
    minutes: float,
    rate: float,
    outage: float,
    progress: Callable[[str], None],
) -> Result:
    """The whole campaign on a stage whose services run. Raises DidNotStart."""
    began = time.monotonic()
    customers = _set(stage, progress)
    log = stage.folder / "customers.jsonl"
    log.touch()
    wish = {
        "slots": _slots(minutes),
        "rate": rate,
        "cancels": CANCELS,
        "seed": seed,
        "log": str(log),
    }
    load = stage.start_customers(wish | _doors(stage, customers))
    director = Director(stage, faults, progress=progress)
    director.run(60.0 * minutes)
    down = director.outage(outage)
    load.process.terminate()
    _wait(director, lambda: load.process.poll() is not None, "customers finish what they began", progress)
    _come_to_rest(stage, director, progress)
    progress("reading and judging the history")
    history = gather.gather(stage, customers, log=log, password=people.PASSWORD, deeds=director.deeds)
    return Result(
        history,
        checker.judge(history),
        recovery.measure(history),
        dict(director.counts),
        director.crashes,
        outage_seconds=outage,
        outage_charged=_charged(history, down),
        seconds=time.monotonic() - began,
    )


def _set(stage: Stage, progress: Callable[[str], None]) -> list[people.Customer]:
    """Bring the database up to date, with a witness in it, and start the cast; the customers there are."""
    progress("bringing the database up to date")
    call_command("migrate", verbosity=0)
    call_command("migrate", "chaos", "0001", verbosity=0)
    stage.database.watch()
    customers = people.customers(CUSTOMERS)
    stage.providers.calm()
    progress("starting web, relays and schedules")
    stage.start_cast()
    return customers


def _doors(stage: Stage, customers: list[people.Customer]) -> dict[str, object]:
    """Where customers go, and as whom."""
    names = [each.username for each in customers]
    doors = {"web": stage.web, "gateway": stage.gateway, "providers": stage.providers.doors()}
    return doors | {"customers": names, "password": people.PASSWORD}


def _come_to_rest(stage: Stage, director: Director, progress: Callable[[str], None]) -> None:
    """Wait until nothing is left that could move: in the web, in the accounts, in the outbox."""
    web_number = stage.cast["web"].number
    stage.cast["web"].leave()  # whatever it has heard is done when it has gone
    _wait(director, lambda: stage.cast["web"].number > web_number, "the web finishes what it has heard", progress)
    stage.wait_for_web()
    connections.close_all()  # of this process, from before the restarts
    _settle_accounts(director, progress)
    _wait(director, lambda: not _unfinished(), "waiting for the last messages", progress)


def _slots(minutes: float) -> dict[str, int]:
    """More than anybody can book; every tenth is small, so that late payers find it full."""
    start = timezone.now() + timedelta(days=30)
    slots = Slot.objects.bulk_create(
        Slot(
            title=f"Tour {number}",
            starts_at=start,
            ends_at=start + timedelta(hours=2),
            capacity=SMALL_SEATS if number % 10 == 0 else MANY_SEATS,
            price=1000 + number,
            currency="EUR",
        )
        for number in range(1, max(60, round(14 * minutes)) + 1)
    )
    return {slot.title: slot.pk for slot in slots}


def _settle_accounts(director: Director, progress: Callable[[str], None]) -> None:
    """What the schedules would do within the next hours: look for unheard payments, give back what is due."""
    progress("settling accounts")
    while Order.objects.filter(sweep_at__isnull=False, status__in=["open", "lapsed"]).update(sweep_at=timezone.now()):
        reconciliation.run(limit=100_000)
        Order.objects.filter(status__in=["open", "lapsed"]).update(sweep_at=None)
    while Refund.objects.filter(status=Refund.Status.REQUESTED).update(next_try_at=timezone.now()):
        refunds.execute_due(limit=100_000)
        director.look_after()


def _unfinished() -> int:
    counted = overview().messages
    return counted["queued"] + counted["pending"] + counted["sending"]


def _wait(director: Director, condition: Callable[[], object], words: str, progress: Callable[[str], None]) -> None:
    """As long as it takes, within reason: what does not come to rest is found by the checker."""
    until = time.monotonic() + REST_SECONDS
    while not condition() and time.monotonic() < until:
        director.look_after()
        progress(words)


def _charged(history: History, outage: Deed) -> int:
    """Attempts used up in the outage, beyond those by which each relay may find out about each route."""
    charged = 0
    failures: dict[int, list[float]] = {}
    for attempt in history.attempts:
        if attempt.answer in ("transient", "unknown"):
            failures.setdefault(attempt.message, []).append(attempt.ended)
    for message in history.messages:
        ended = failures.get(message.id, [])
        if ended and all(outage.began <= at <= outage.ended for at in ended):
            charged += message.attempts - (message.status == "sent")
    return max(0, charged - DISCOVERIES * len(RELAYS) * sum(map(len, ROUTES.values())))
