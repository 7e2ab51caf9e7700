"""Extra data that only some claimed messages need (G6).

Some had an earlier attempt whose outcome is unknown. Some may be sent as free text only to people who wrote to us
lately. Some go to browsers that their recipients signed up. All of it is looked up here, after the claim, so that the
claim costs the same for all. If the database goes away at that moment, the messages are marked NOT_READ and handed
back.
"""

import time
from collections.abc import Mapping

import psycopg

from notifications.channels.base import Channel
from notifications.policy import phone_numbers
from notifications.policy.push import Device
from notifications.protocol import sql_enrich, sql_push
from notifications.protocol.database_errors import is_not_now
from notifications.relay.connection import Connection
from notifications.relay.messages import NOT_READ, Claimed, EarlierAttempts
from notifications.telemetry import emit

KNOWN_BEFORE_SECONDS = 300.0  # for clocks that differ: ours, the provider's and other relays'


def enrich(
    connection: Connection, claimed: list[Claimed], *, channels: Mapping[str, Channel], asks: bool
) -> list[Claimed]:
    """Return `claimed` with the extra data. `asks`: whether earlier attempts are looked up."""
    try:
        if asks:
            claimed = _with_earlier_attempts(connection, claimed, channels)
        return _with_devices(connection, _with_conversations(connection, claimed, channels), channels)
    except psycopg.Error as error:
        if not is_not_now(error):
            raise
        # The relay meets the error again at its next statement, and recovers there.
        return [message._replace(earlier=NOT_READ) for message in claimed]


def _with_earlier_attempts(
    connection: Connection, claimed: list[Claimed], channels: Mapping[str, Channel]
) -> list[Claimed]:
    unknown = [message for message in claimed if message.unknown_since is not None]
    if not unknown:
        return claimed
    ids = [message.id for message in unknown]
    went_to: dict[int, str] = dict(connection.execute(sql_enrich.WENT_TO, {"ids": ids}).fetchall())
    phones = {each.id: _phone_of(each, went_to.get(each.id, ""), channels) for each in unknown}
    written = [(message_id, form) for message_id, phone in phones.items() for form in phone_numbers.forms(phone)]
    parameters = {
        "ids": ids,
        "asked": [message_id for message_id, _ in written],
        "phones": [phone for _, phone in written],
        "before": KNOWN_BEFORE_SECONDS,
    }
    rows = connection.execute(sql_enrich.EARLIER_ATTEMPTS, parameters).fetchall()
    read_at = time.monotonic()
    earlier = {
        message_id: EarlierAttempts(
            accepted_as or "", frozenset(known), is_shared, began_ago, unknown_for, went_to.get(message_id, ""), read_at
        )
        for message_id, accepted_as, known, is_shared, began_ago, unknown_for in rows
    }
    return [message._replace(earlier=earlier.get(message.id)) for message in claimed]


def _phone_of(message: Claimed, went_to: str, channels: Mapping[str, Channel]) -> str:
    """The number that the earlier attempt went to: the recipient may have another one by now."""
    return went_to if went_to and channels[message.key].address_field == "phone" else message.phone


def _with_conversations(
    connection: Connection, claimed: list[Claimed], channels: Mapping[str, Channel]
) -> list[Claimed]:
    wanted = {(each.channel, each.phone) for each in claimed if _needs_inbound_age(channels[each.key], each)}
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


def _with_devices(connection: Connection, claimed: list[Claimed], channels: Mapping[str, Channel]) -> list[Claimed]:
    wanted = {each.recipient_id for each in claimed if channels[each.key].address_field == "push"}
    if not wanted:
        return claimed
    devices: dict[int, list[Device]] = {}
    for recipient, *device in connection.execute(sql_push.DEVICES, {"recipients": sorted(wanted)}).fetchall():
        devices.setdefault(recipient, []).append(Device(*device))
    return [
        message._replace(devices=tuple(devices.get(message.recipient_id, ())))
        if channels[message.key].address_field == "push"
        else message
        for message in claimed
    ]


def _needs_inbound_age(channel: Channel, message: Claimed) -> bool:
    """The channel's answer, or False if it raises: a channel's bug must not end the relay."""
    try:
        return channel.needs_inbound_age(message.kind)
    except Exception as error:  # noqa: BLE001
        emit(
            "dispatch.error",
            message=message.id,
            claim=message.claim_number,
            channel=message.channel,
            by=type(channel).__qualname__,
            error=type(error).__name__,
        )
        return False
