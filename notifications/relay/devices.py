"""Forgets browsers whose push services said, while something was sent, that they are gone."""

from collections.abc import Mapping

from notifications.channels.base import Channel
from notifications.protocol import sql_push as sql
from notifications.protocol.arrays import numbers
from notifications.relay.connection import Connection
from notifications.telemetry import emit


def forget_ended(connection: Connection, channels: Mapping[str, Channel]) -> None:
    """If it fails, the next send there tells it again."""
    ended = [device for channel in channels.values() for device in channel.take_ended_devices()]
    if ended:
        connection.execute(sql.END_DEVICES, {"ids": numbers(ended)})
        emit("devices.forgotten", devices=len(ended))
