"""Writes the substitute of a message that failed, on another channel, in the transaction that settles it."""

from collections.abc import Sequence

from notifications import kinds
from notifications.lifecycle import Status
from notifications.protocol import sql_fallbacks as sql
from notifications.protocol.arrays import numbers, texts
from notifications.protocol.promotion import Lane
from notifications.relay.connection import Connection
from notifications.relay.messages import Settlement


def fall_back(connection: Connection, ready: Sequence[Settlement]) -> set[Lane]:
    """Write substitutes for what failed, and deadlines for what was sent, where its kind names a fallback channel.

    Returns the lanes that got a substitute: they need a promotion.
    """
    planned = [
        (settlement, plan)
        for settlement in ready
        if settlement.status in (Status.FAILED, Status.SENT)
        and (plan := kinds.fallback_of(settlement.message.kind, settlement.message.channel))
    ]
    if not planned:
        return set()
    sent = [(settlement.message, plan) for settlement, plan in planned if settlement.status is Status.SENT]
    failed = [(settlement.message, plan) for settlement, plan in planned if settlement.status is Status.FAILED]
    if sent:
        connection.execute(
            sql.WATCH,
            {
                "ids": numbers([message.id for message, _ in sent]),
                "claim_numbers": numbers([message.claim_number for message, _ in sent]),
                "channels": texts([plan.channel for _, plan in sent]),
                "afters": numbers([plan.after.total_seconds() for _, plan in sent]),
            },
        )
    if failed:
        connection.execute(
            sql.SUBSTITUTE,
            {
                "ids": numbers([message.id for message, _ in failed]),
                "claim_numbers": numbers([message.claim_number for message, _ in failed]),
                "channels": texts([plan.channel for _, plan in failed]),
                "lanes": texts([kinds.lane_name(message.kind, plan.channel) for message, plan in failed]),
            },
        )
    return {(message.recipient_id, kinds.lane_name(message.kind, plan.channel)) for message, plan in failed}
