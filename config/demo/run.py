"""Runs the demo: customers log in, book and pay at the same time, and then it waits until every message is out."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass

from django.utils import timezone

from bookings import refunds
from config.demo import seed
from config.demo.customers import Journal, Shopper
from config.demo.delivery_check import DeliveryCheck, Promise, check_deliveries
from config.demo.processes import Children
from config.demo.stage import Stage
from config.demo.trouble import order_trouble
from notifications import outbox
from notifications.selectors.overview import overview

AT_ONCE = 2  # customers at the same time; more would only wait for the cores that they share with the web
PATIENCE_SECONDS = 120.0

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Result:
    """What happened."""

    journals: list[Journal]
    audit: DeliveryCheck
    failures: dict[Promise, str]
    left_over: int


def run(
    stage: Stage,
    children: Children,
    *,
    customers: int,
    bookings: int,
    choose: random.Random,
    progress: Progress,
) -> Result:
    """Have `customers` customers make `bookings` bookings, and check each message."""
    seed.staff()
    seed.slots(seats=3 * bookings, now=timezone.now())
    people = seed.customers(customers)
    order_trouble(stage.providers, people)
    left_over = _unfinished()
    with _shoppers(people, web=stage.web) as shoppers:
        _at_once([shopper.log_in for shopper in shoppers], progress, "customers logged in")
        shares = [bookings // customers + (index < bookings % customers) for index in range(customers)]
        seeds = [choose.random() for _ in shoppers]
        visits = [
            lambda shopper=shopper, share=share, own=own: _shop(shopper, share, random.Random(own))  # noqa: S311
            for shopper, share, own in zip(shoppers, shares, seeds, strict=True)
        ]
        _at_once(visits, progress, f"customers booked and paid ({bookings} bookings)")
        journals = [shopper.journal for shopper in shoppers]
    refunds.execute_due()
    _wait_until_sent(children, progress)
    failures = _failures(journals)
    return Result(journals, check_deliveries(journals, stage.providers.messages(), failures), failures, left_over)


@contextmanager
def _shoppers(people: Iterable[seed.Customer], *, web: str) -> Iterator[list[Shopper]]:
    shoppers = [Shopper(customer, web=web) for customer in people]
    try:
        yield shoppers
    finally:
        for shopper in shoppers:
            shopper.close()


def _shop(shopper: Shopper, bookings: int, choose: random.Random) -> None:
    for _ in range(bookings):
        shopper.book(choose)


def _at_once(calls: Sequence[Callable[[], None]], progress: Progress, what: str) -> None:
    """Make all calls, some of them at the same time. Raises what any call raised."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [pool.submit(call) for call in calls]
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                if done % 10 == 0 or done == len(calls):
                    progress(f"{done} of {len(calls)} {what}")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _wait_until_sent(children: Children, progress: Progress) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while (waiting := _unfinished()) and time.monotonic() < until:
        children.check()
        progress(f"{waiting} messages waiting")
        time.sleep(0.25)
    progress("no messages waiting" if not waiting else f"{waiting} messages still waiting after {PATIENCE_SECONDS:g} s")


def _unfinished() -> int:
    counted = overview().messages
    return counted["queued"] + counted["pending"] + counted["sending"]


def _failures(journals: Sequence[Journal]) -> dict[Promise, str]:
    """The dead letters among the promised messages, and why each failed."""
    references = [f"booking:{booking['id']}" for journal in journals for booking in journal.bookings]
    return {
        (
            int(reference.removeprefix("booking:")),
            message.channel,
        ): f"{message.error_code} {message.error_detail}".strip()
        for reference, messages in outbox.messages_about(references).items()
        for message in messages
        if message.status == outbox.Status.FAILED
    }
