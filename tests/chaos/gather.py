"""Reads a campaign's history: from the shop's API, the providers' journals, the gateway's books; then from the rows."""

import contextlib
import json
import re
import sqlite3
import subprocess
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests
from django.db.models import Sum
from django_q.models import Task

from config.demo.seed import Customer
from notifications.models import DeliveryAttempt, OutboxMessage, Receipt, Recipient, Usage
from notifications.models.audit import OperatorAction, Verb
from notifications.sandbox.client import Received
from tests.chaos.failover import GROUP
from tests.chaos.history import (
    CODE,
    Account,
    Answer,
    Attempt,
    Booking,
    Call,
    Counted,
    Deed,
    History,
    Message,
    Notification,
    Payment,
    Refund,
    Word,
)
from tests.chaos.newcomers import PASSWORD
from tests.chaos.stage import Stage

MOST_ASKED = 3_000  # messages whose price is asked for: more would only take longer
ASKING_SECONDS = 240.0
# Without a zone, because what depends on the session's may not change a row on Citus.
MADE_OLDER = """
UPDATE notifications_deliveryattempt
SET ended_at = (ended_at AT TIME ZONE 'UTC' - interval '15 minutes') AT TIME ZONE 'UTC'
"""
TELLS_SEGMENTS = ("twilio",)  # providers that say how many segments they charge for
SAYS = re.compile(r"([a-z_.]+): ((?:Tour|Code|Change) \d+)")
ABOUT = {"title": "", "verification": CODE, "change": "Change "}  # by the key of the context
TO_AN_ADDRESS = ("Code", "Change")  # what goes there need not be anybody's


def gather(stage: Stage, customers: list[Customer], *, log: Path, password: str, deeds: list[Deed]) -> History:
    """Everything that happened. The campaign must be at rest."""
    names = {address: each.username for each in customers for address in (each.phone, each.email)}
    known = {each.username for each in customers}
    records = [json.loads(line) for line in log.read_text().splitlines()]
    came = {record["address"]: record["newcomer"] for record in records if "newcomer" in record}
    names |= came
    history = of_messages(stage, known=known, names=names, deeds=deeds)
    orders = {record["order"]: (record["customer"], record["slot"]) for record in records if "order" in record}
    history.answers = [Answer(**record) for record in records if "what" in record]
    history.accounts = list(_accounts(known))
    history.bookings = [
        *_bookings(stage.web, _logins(customers, password)),
        *_bookings(stage.web, _logins_of_newcomers(came)),
    ]
    history.payments, history.refunds = _books(stage.ledger, orders)
    history.tasks = [task.timestamp() for task in _tasks_of_failovers()]
    _ask_prices(stage)  # after all else is read: it changes when attempts ended
    history.usage, history.priced = list(_usage()), frozenset(_priced())
    return history


def of_messages(stage: Stage, *, known: Collection[str], names: Mapping[str, str], deeds: Iterable[Deed]) -> History:
    """What became of the messages, without the shop's part. `names`: the customers', by their addresses."""
    return History(
        calls=list(_calls(stage.providers.messages(), names)),
        messages=list(_messages(known, names)),
        attempts=list(_attempts()),
        transitions=stage.database.transitions(),
        deeds=sorted(deeds, key=lambda deed: deed.began),
        is_strict=stage.environment()["OUTBOX_RESCUE"] == "lease",
    )


def _tasks_of_failovers() -> Iterator[datetime]:
    return Task.objects.filter(group=GROUP, success=True).order_by("started").values_list("started", flat=True)


def _calls(received: Iterable[tuple[str, Received]], names: Mapping[str, str]) -> Iterator[Call]:
    """Those that got as far as saying what they say: a mail server may refuse one before."""
    for route, each in received:
        if each.to and (each.body or each.accepted):
            customer = names.get(each.to.removeprefix("whatsapp:"), each.to)
            said = SAYS.search(each.body)
            kind, slot = said.groups() if said else ("?", each.body[:40])
            ended = each.ended_at or each.received_at
            customer = each.to if slot.startswith(TO_AN_ADDRESS) else customer
            word = Word(customer, slot, kind, each.channel)
            price = Decimal(each.price) if each.price else None
            segments = each.segments if route in TELLS_SEGMENTS else 0
            began = each.received_at.timestamp()
            yield Call(word, began, ended.timestamp(), each.accepted, each.sid, price, segments, route)


def _logins(customers: Iterable[Customer], password: str) -> Iterator[tuple[str, dict[str, str]]]:
    yield from ((each.username, {"username": each.username, "password": password}) for each in customers)


def _logins_of_newcomers(came: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Those that have an account, by an address that it has now."""
    there = {account.address for account in _accounts(frozenset())}
    for address, name in came.items():
        if address in there:
            yield name, {"username": address, "password": PASSWORD}


def _bookings(web: str, logins: Iterable[tuple[str, dict[str, str]]]) -> Iterator[Booking]:
    """As each customer sees their own."""
    for customer, login in logins:
        token = _call("POST", f"{web}/api/auth/token/", json=login)["token"]
        url: str | None = f"{web}/api/bookings/?page_size=100"
        while url:
            page = _call("GET", url, headers={"Authorization": f"Token {token}"})
            yield from (_booking(each, customer) for each in page["results"])
            url = page["next"]


def _accounts(known: Collection[str]) -> Iterator[Account]:
    """Those of nobody known before, by each of their addresses."""
    contacts = Recipient.objects.filter(user__isnull=False).exclude(user__username__in=known)
    for name, *addresses in contacts.values_list("user__username", "phone", "email"):
        yield from (Account(name, address) for address in addresses if address)


def _booking(told: dict[str, Any], customer: str) -> Booking:
    notifications = [Notification(each["channel"], each["kind"], each["status"]) for each in told["notifications"]]
    return Booking(
        told["id"],
        customer,
        told["slot"]["title"],
        told["status"],
        told["payment_id"],
        told["amount"],
        notifications,
    )


def _call(method: str, url: str, **words: Any) -> Any:
    answer = requests.request(method, url, timeout=60, **words)
    answer.raise_for_status()
    return answer.json()


def _books(ledger: Path, orders: Mapping[str, tuple[str, str]]) -> tuple[list[Payment], list[Refund]]:
    with sqlite3.connect(f"file:{ledger}?mode=ro", uri=True) as books:
        payments = [
            Payment(payment, *orders.get(order, ("?", order)), state=state, amount=amount)
            for payment, order, state, amount in books.execute("SELECT id, order_id, state, amount FROM payments")
        ]
        refunds = [Refund(*row) for row in books.execute("SELECT payment_id, amount FROM refunds")]
    books.close()
    return payments, refunds


def _messages(known: Collection[str], names: Mapping[str, str]) -> Iterator[Message]:
    replays: dict[int, int] = {}
    for message_id in OperatorAction.objects.filter(action=Verb.REPLAY).values_list("message_id", flat=True):
        replays[message_id] = replays.get(message_id, 0) + 1
    columns = ("id", "context", "kind", "channel", "status", "attempts", "expires_at")
    of_recipient = ("recipient__user__username", "recipient__phone", "recipient__email")
    rows = OutboxMessage.objects.order_by("id").values_list(*columns, *of_recipient)
    for number, context, kind, channel, status, attempts, expires, username, *addresses in rows.iterator():
        address = next(filter(None, addresses), "?")
        customer = username if username in known else names.get(address, address) if username else address
        word = Word(customer, _about(context), kind, channel)
        yield Message(number, word, status, attempts, replays.get(number, 0), _seconds(expires))


def _about(context: Mapping[str, Any]) -> str:
    """What the message says that it is about (`Stage.write_words`)."""
    for key, name in ABOUT.items():
        if key in context:
            return f"{name}{context[key]}"
    return "?"


def _attempts() -> Iterator[Attempt]:
    columns = ("message_id", "claim_number", "answer", "code", "started_at", "ended_at", "route")
    for *facts, began, ended, route in DeliveryAttempt.objects.order_by("id").values_list(*columns).iterator():
        yield Attempt(*facts, began=_seconds(began), ended=ended.timestamp(), route=route)


def _ask_prices(stage: Stage) -> None:
    """What the poll does a quarter of an hour later: ask the provider about what was accepted, and so for prices."""
    stage.providers.set_prices(after=0)
    with stage.database.connect() as connection:
        connection.execute("DELETE FROM notifications_bookmark WHERE name = 'receipts'")
        connection.execute("INSERT INTO notifications_bookmark (name, position) VALUES ('receipts', 0)")
        connection.execute(MADE_OLDER)
    options = ("--limit", str(MOST_ASKED), "--per-second", "10000")
    child = stage.run("prices", "manage.py", "poll_receipts", *options)
    with contextlib.suppress(subprocess.TimeoutExpired):  # of a slow machine: what has no price is not judged
        child.process.wait(ASKING_SECONDS)
    child.stop()


def _usage() -> Iterator[Counted]:
    sums = {name: Sum(name) for name in ("sent", "priced", "segments", "cost")}
    for row in Usage.objects.exclude(kind="").order_by().values("kind", "channel").annotate(**sums):
        yield Counted(**row)


def _priced() -> Iterator[str]:
    yield from Receipt.objects.filter(price__isnull=False).values_list("provider_id", flat=True)


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None
