"""What a delivery must know besides of a few of the claimed messages (G6).

Some were attempted before, and nobody knows whether they were accepted; some may be sent in free words only to people
who wrote to us lately. Both are looked up here, after the claim, so that the claim's cost stays the same for all. What
cannot be looked up, since the database went away that moment, is marked UNREAD and handed back.
"""

from collections.abc import Mapping

import psycopg

from notifications.channels.base import Channel
from notifications.policy import phone_numbers
from notifications.protocol import sql_enrich
from notifications.relay.connection import Connection
from notifications.relay.messages import UNREAD, Claimed, Doubt

KNOWN_BEFORE_SECONDS = 300.0  # clocks differ: ours from the provider's, and the relays' in between


def with_backstory(
    connection: Connection, claimed: list[Claimed], *, channels: Mapping[str, Channel], asks: bool
) -> list[Claimed]:
    """`claimed`, each with its backstory where it has one; with `asks` off, doubts are not looked up."""
    try:
        if asks:
            claimed = _with_doubts(connection, claimed)
        return _with_conversations(connection, claimed, channels)
    except psycopg.OperationalError:  # the relay meets it again at its next statement, and mends it there
        return [message._replace(doubt=UNREAD) for message in claimed]


def _with_doubts(connection: Connection, claimed: list[Claimed]) -> list[Claimed]:
    doubtful = [message.id for message in claimed if message.unknown_since is not None]
    if not doubtful:
        return claimed
    rows = connection.execute(sql_enrich.DOUBTS, {"ids": doubtful, "before": KNOWN_BEFORE_SECONDS}).fetchall()
    doubts = {row[0]: Doubt(accepted_as=row[1] or "", known=frozenset(row[2]), is_shared=row[3]) for row in rows}
    return [message._replace(doubt=doubts.get(message.id)) for message in claimed]


def _with_conversations(
    connection: Connection, claimed: list[Claimed], channels: Mapping[str, Channel]
) -> list[Claimed]:
    wanted = {(each.channel, each.phone) for each in claimed if channels[each.channel].needs_inbound_age(each.kind)}
    if not wanted:
        return claimed
    written = [(channel, form) for channel, phone in wanted for form in phone_numbers.forms(phone)]
    parameters = {"channels": [channel for channel, _ in written], "phones": [phone for _, phone in written]}
    rows = connection.execute(sql_enrich.CONVERSATIONS, parameters).fetchall()
    ages: dict[tuple[str, str], float] = {}
    for channel, phone, seconds in rows:
        key = channel, phone_numbers.canonical(phone)
        ages[key] = min(seconds, ages.get(key, seconds))
    return [
        message._replace(inbound_age=ages.get((message.channel, phone_numbers.canonical(message.phone))))
        for message in claimed
    ]
