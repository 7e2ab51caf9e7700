"""Checks every message that was promised to a customer, against what the providers received.

The outbox's tables answer only which messages failed, and why.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from config.demo.customers import Journal
from notifications.sandbox.client import Received

BOOKING = re.compile(r"[Bb]ooking:?\s+(\d+)")

Promise = tuple[int, str]  # a booking's id, and the channel


@dataclass(slots=True)
class DeliveryCheck:
    """The result: messages that arrived, that are lost, and that came twice."""

    messages: int = 0
    sent: int = 0
    failed: int = 0
    lost: list[Promise] = field(default_factory=list)
    out_of_order: int = 0
    duplicates: int = 0
    retried: int = 0
    sent_by_channel: Counter[str] = field(default_factory=Counter)
    refused_by_channel: Counter[str] = field(default_factory=Counter)


def check_deliveries(
    journals: Iterable[Journal], received: Sequence[Received], failed: Collection[Promise]
) -> DeliveryCheck:
    """Compare what was promised with what arrived, customer by customer. `failed` lists the dead letters."""
    by_address: dict[str, list[Received]] = defaultdict(list)
    for message in received:
        by_address[message.to.removeprefix("whatsapp:")].append(message)
    result = DeliveryCheck()
    for journal in journals:
        arrived = by_address[journal.customer.phone] + by_address[journal.customer.email]
        _check_one(result, journal, sorted(arrived, key=lambda message: message.sequence), failed)
    return result


def _check_one(
    result: DeliveryCheck, journal: Journal, arrived: Sequence[Received], failed: Collection[Promise]
) -> None:
    promised = [
        (booking["id"], message["channel"]) for booking in journal.bookings for message in booking["notifications"]
    ]
    kept = [(promise, message) for message in arrived if (promise := promise_of(message)) is not None]
    ours = [(promise, message) for promise, message in kept if promise in set(promised)]
    accepted = [promise for promise, message in ours if message.accepted]
    first_acceptances = list(dict.fromkeys(accepted))
    result.messages += len(promised)
    result.sent += len(first_acceptances)
    result.duplicates += len(accepted) - len(first_acceptances)
    result.failed += len([promise for promise in promised if promise in failed and promise not in accepted])
    result.lost += [promise for promise in promised if promise not in accepted and promise not in failed]
    result.out_of_order += inversions([promised.index(promise) for promise in first_acceptances])
    refused = [promise for promise, message in ours if not message.accepted]
    result.retried += len(set(refused) & set(accepted))
    result.sent_by_channel.update(channel for _, channel in first_acceptances)
    result.refused_by_channel.update(channel for _, channel in refused)


def promise_of(message: Received) -> Promise | None:
    """Which promise a message keeps, by the booking that its words name."""
    found = BOOKING.search(message.subject or message.body)
    return (int(found[1]), message.channel) if found else None


def inversions(positions: Sequence[int]) -> int:
    """How many messages arrived after one that was promised later."""
    latest, count = -1, 0
    for position in positions:
        count += position < latest
        latest = max(latest, position)
    return count
