"""Argument types of the outbox's commands. Each refuses a bad value with one clear line."""

import getpass
import os
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from datetime import datetime
from math import isfinite
from typing import TypeVar

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from notifications.channels import channel_names
from notifications.models.audit import MOST_REASON
from notifications.policy import locales

Number = TypeVar("Number", int, float)


def number_of(kind: type[Number], *, least: Number) -> Callable[[str], Number]:
    """A finite number of at least `least`."""

    def parse(text: str) -> Number:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not isfinite(value) or value < least:
            raise ArgumentTypeError(
                f"must be a {'whole ' if kind is int else ''}number of at least {least}, not {text!r}"
            )
        return value

    return parse


def address(text: str) -> tuple[str, int]:
    """Where to listen: a port on 127.0.0.1, or HOST:PORT; port 0 takes a free one."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise ArgumentTypeError(f"must be a port, or HOST:PORT, not {text!r}")
    return host.strip("[]") or "127.0.0.1", int(port)


def configured_channel(text: str) -> str:
    """The name of a channel in OUTBOX_CHANNELS."""
    names = channel_names()
    if text not in names:
        raise ArgumentTypeError(f"must be one of {', '.join(names)}, not {text!r}")
    return text


def reason(text: str) -> str:
    """The reason of an action, for the record."""
    if len(text) > MOST_REASON or "\x00" in text:
        raise ArgumentTypeError(f"must have at most {MOST_REASON} characters")
    return text


def add_reason(parser: ArgumentParser) -> None:
    """The option --reason, the same for all commands that leave a record."""
    parser.add_argument("--reason", type=reason, default="", help="The reason, for the record.")


def actor(command: str) -> str:
    """Who acts, for the record: the command's name and the account that runs it."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        account = str(os.getuid())
    return f"{command} ({account})"


def language_tag(text: str) -> str:
    """A language in which dates and money can be written."""
    tag = locales.language_tag(text)
    if tag is None:
        raise ArgumentTypeError(f"must be a language tag, for example en or pt-br, not {text!r}")
    return tag


def time_zone(text: str) -> str:
    """A time zone of the IANA database."""
    name = locales.time_zone_name(text)
    if name is None:
        raise ArgumentTypeError(f"must be a time zone such as Europe/Berlin, not {text!r}")
    return name


def moment(text: str) -> datetime:
    """An ISO 8601 date or moment; without a zone it is in the project's TIME_ZONE."""
    try:
        day, at = parse_date(text), parse_datetime(text)
    except ValueError:
        day = at = None
    if at is None and day is not None:
        at = datetime(day.year, day.month, day.day)  # noqa: DTZ001  (made aware below)
    if at is None:
        raise ArgumentTypeError(f"must be a date or a moment such as 2026-11-24 or 2026-11-24T18:00, not {text!r}")
    return timezone.make_aware(at) if timezone.is_naive(at) else at
