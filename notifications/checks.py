"""System checks: settings and schema that would break a promise are refused at the start, by name."""

from collections.abc import Sequence
from typing import Any

import phonenumbers
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from notifications import conf
from notifications.channels import build_channels
from notifications.models import OutboxMessage
from notifications.monitoring.notifiers import url_problem
from notifications.policy import quiet_hours


@register(Tags.compatibility)
def settings_fit_together(**_: Any) -> list[CheckMessage]:
    """OUTBOX_* settings are among the known words, and the lease is longer than a send may take."""
    problems: list[CheckMessage] = []
    if conf.lane() not in conf.LANES:
        problems.append(Error(f"OUTBOX_LANE must be one of {', '.join(conf.LANES)}.", id="notifications.E001"))
    if conf.rescue() not in conf.RESCUES:
        problems.append(Error(f"OUTBOX_RESCUE must be one of {', '.join(conf.RESCUES)}.", id="notifications.E002"))
    if conf.lease_seconds() <= conf.send_timeout_seconds():
        problems.append(
            Error(
                "OUTBOX_LEASE_SECONDS must be longer than OUTBOX_SEND_TIMEOUT_SECONDS: a send that outlives its lease "
                "could be repeated by another relay.",
                id="notifications.E003",
            )
        )
    problems += [
        Error(
            f"OUTBOX_ALLOWED_COUNTRIES has {unknown!r}, which is not a country of ISO 3166-1 (two letters).",
            id="notifications.E006",
        )
        for unknown in sorted(conf.allowed_countries() - phonenumbers.SUPPORTED_REGIONS)
    ]
    try:
        quiet_hours.parse(conf.quiet_hours())
    except ValueError as error:
        problems.append(Error(f"OUTBOX_QUIET_HOURS: {error}.", id="notifications.E008"))
    return problems


@register(Tags.compatibility)
def alerts_can_be_posted(**_: Any) -> list[CheckMessage]:
    """OUTBOX_ALERT_URL is one that alerts may be posted to."""
    url = getattr(settings, "OUTBOX_ALERT_URL", "")
    problem = url_problem(url) if url else ""
    return [Error(problem, id="notifications.E007")] if problem else []


@register(Tags.compatibility)
def channels_can_be_built(**_: Any) -> list[CheckMessage]:
    """Every configured channel loads and finds the settings it needs."""
    try:
        channels = build_channels()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="notifications.E004")]
    for channel in channels.values():
        channel.close()
    return []


@register(Tags.database)
def ids_follow_the_lock(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """The id sequence caches nothing: a cache above 1 turns commit order round even under the recipient's lock."""
    problems: list[CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            cursor.execute(
                "SELECT seqcache FROM pg_sequence"
                " WHERE to_regclass(%(table)s) IS NOT NULL"
                " AND seqrelid = to_regclass(pg_get_serial_sequence(to_regclass(%(table)s)::text, 'id'))",
                {"table": OutboxMessage._meta.db_table},
            )
            row = cursor.fetchone()
        if row and row[0] != 1:
            problems.append(
                Error(
                    f"The id sequence of {OutboxMessage._meta.db_table} caches {row[0]} values.",
                    hint="ALTER SEQUENCE … CACHE 1; otherwise ids do not follow the order of commits.",
                    id="notifications.E005",
                )
            )
    return problems
