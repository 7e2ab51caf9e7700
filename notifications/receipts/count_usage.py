"""Counts what receipts and prices add to a month's usage, in the transaction that writes the receipt or the price.

A message that went out in two copies was charged twice, and each of them arrived or did not: copies are counted.
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.utils import CursorWrapper

from notifications import channels
from notifications.channels.base import Charge
from notifications.lifecycle import ReceiptStatus
from notifications.policy.phone_numbers import country_by_prefix
from notifications.protocol import sql_spending, sql_usage
from notifications.protocol.histogram import BOUNDS, SIZE

NOT_DELIVERED = frozenset({ReceiptStatus.UNDELIVERED, ReceiptStatus.BOUNCED})
DELIVERED = frozenset({ReceiptStatus.DELIVERED, ReceiptStatus.READ, ReceiptStatus.COMPLAINED})

WENT_TO = """
SELECT message.channel, coalesce(nullif(attempt.address, ''), recipient.phone)
FROM notifications_receipt receipt
JOIN notifications_outboxmessage message ON message.id = receipt.message_id
JOIN notifications_recipient recipient ON recipient.id = message.recipient_id
LEFT JOIN notifications_deliveryattempt attempt
  ON attempt.message_id = receipt.message_id AND attempt.claim_number = receipt.claim_number
WHERE receipt.message_id = %s AND receipt.provider_id = %s
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A receipt's step from one status to the next: of which message, where it went, and how long after acceptance.

    `sent_at` is None where the report came before the relay had written that the message was accepted.
    """

    kind: str
    channel: str
    address: str
    sent_at: datetime | None
    seconds: float | None


def count_delivery(cursor: CursorWrapper, step: Step, *, was: str, now: ReceiptStatus) -> None:
    """Count that a copy arrived, or did not, unless that was known before."""
    delivered, undelivered = (int(now in side) - int(was in side) for side in (DELIVERED, NOT_DELIVERED))
    if not (delivered or undelivered):
        return
    seconds = max(step.seconds, 0.0) if step.seconds is not None and delivered else None
    deliveries = [0] * SIZE
    if seconds is not None:
        deliveries[bisect_left(BOUNDS, seconds)] = 1
    cursor.execute(
        sql_usage.APPEND_DELIVERY,
        {
            "sent_at": step.sent_at,
            "kind": step.kind,
            "channel": step.channel,
            "country": country_of(step.channel, step.address),
            "delivered": delivered,
            "undelivered": undelivered,
            "seconds": seconds or 0.0,
            "deliveries": deliveries,
        },
    )


def record_charge(message_id: int, provider_id: str, charge: Charge, *, using: str = DEFAULT_DB_ALIAS) -> None:
    """Keep what the provider charged with the receipt of this acceptance, and count it, once."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(WENT_TO, [message_id, provider_id])
        if (row := cursor.fetchone()) is None:
            return
        parameters: dict[str, int | str | Decimal] = {
            "message": message_id,
            "provider_id": provider_id,
            "country": country_of(*row),
            "price": charge.price,
            "currency": charge.currency,
            "segments": charge.segments,
        }
        cursor.execute(sql_usage.APPEND_PRICE, parameters)
        if cursor.rowcount:  # written, and so counted, by this report
            cursor.execute(sql_spending.APPEND_COST, parameters | {"channel": row[0]})


def country_of(channel: str, address: str) -> str:
    """The country of the phone number that a message on `channel` went to; empty on channels without."""
    needs = channels.needs_of(channel)
    return country_by_prefix(address) if needs and needs.address_field == "phone" and address.startswith("+") else ""
