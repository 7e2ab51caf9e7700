"""System checks: they refuse, by name, settings and schema that would break a promise."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import phonenumbers
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router
from psycopg import IsolationLevel

from notifications import conf, kinds
from notifications.channels import (
    CONSOLE,
    DEFAULT_CHANNELS,
    channel_names,
    channel_paths,
    needs_of,
    rehearsed_channel,
)
from notifications.channels.base import Channel
from notifications.channels.routes import build_routes, route_problems
from notifications.content.public_links import is_included, is_public_address, public_url
from notifications.content.rendering import template_problems
from notifications.content.unsubscribe_links import UNSUBSCRIBABLE
from notifications.models import ClockJob, OutboxMessage
from notifications.monitoring.notifiers import url_problem
from notifications.policy import quiet_hours
from notifications.policy.setting_types import setting_problem
from notifications.selectors.clock_jobs import silence_now

READ_COMMITTED = IsolationLevel.READ_COMMITTED
KNOWN: dict[str, Any] = {
    **conf.DEFAULTS,
    "OUTBOX_CHANNELS": DEFAULT_CHANNELS,
    "OUTBOX_REFERENCE_LINKS": {},
    "OUTBOX_ALERT_URL": "",
}

# Providers that tell us what became of a message, and what people write, at addresses in notifications.urls.
CALLING_BACK = tuple(f"notifications.channels.{name}." for name in ("twilio", "vonage", "sinch", "meta", "resend"))


@register(Tags.compatibility)
def settings_have_their_types(**_: Any) -> list[CheckMessage]:
    """Every setting holds what it may hold, and none is named almost as one of ours."""
    wrong = [Error(f"{name} {problem}.", id="notifications.E017") for name, problem in _wrong_types().items()]
    given = {name for name in dir(settings) if name.startswith("OUTBOX_")} - KNOWN.keys()
    return [
        *wrong,
        *(
            Caution(f"The outbox has no setting {name}.", hint=f"Is {alike[0]} meant?", id="notifications.W004")
            for name in sorted(given)
            if (alike := get_close_matches(name, KNOWN, n=1, cutoff=0.9))
        ),
    ]


def _wrong_types() -> dict[str, str]:
    found = {
        name: setting_problem(name, getattr(settings, name), default=default)
        for name, default in KNOWN.items()
        if hasattr(settings, name)
    }
    return {name: problem for name, problem in found.items() if problem}


@register(Tags.compatibility)
def settings_fit_together(**_: Any) -> list[CheckMessage]:
    """OUTBOX_* settings are among the known words, and the lease is longer than a send may take."""
    if _wrong_types():
        return []  # which says more
    problems: list[CheckMessage] = []
    if conf.lane() not in conf.LANES:
        problems.append(Error(f"OUTBOX_LANE must be one of {', '.join(conf.LANES)}.", id="notifications.E001"))
    if conf.rescue() not in conf.RESCUES:
        problems.append(Error(f"OUTBOX_RESCUE must be one of {', '.join(conf.RESCUES)}.", id="notifications.E002"))
    if conf.clock() not in conf.CLOCKS:
        problems.append(Error(f"OUTBOX_CLOCK must be one of {', '.join(conf.CLOCKS)}.", id="notifications.E015"))
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


@register(Tags.security, deploy=True)
def countries_are_named(**_: Any) -> list[CheckMessage]:
    """Where messages to phones cost money, somebody has said to which countries they may go."""
    carriers = [name for name, path in channel_paths().items() if path != CONSOLE and _is_to_phones(name)]
    if conf.names_countries() or not carriers:
        return []
    return [
        Error(
            f"OUTBOX_ALLOWED_COUNTRIES is not set, so that {' and '.join(sorted(carriers))} messages go to the premium "
            "numbers of every country, at your cost.",
            hint='Name the countries of your customers, for example ["US", "CA"]; "*" allows all.',
            id="notifications.E014",
        )
    ]


def _is_to_phones(name: str) -> bool:
    needs = needs_of(name)
    return needs is not None and needs.address_field == "phone"


@register(Tags.compatibility)
def alerts_can_be_posted(**_: Any) -> list[CheckMessage]:
    """OUTBOX_ALERT_URL is one that alerts may be posted to."""
    url = getattr(settings, "OUTBOX_ALERT_URL", "")
    problem = url_problem(url) if url else ""
    return [Error(problem, id="notifications.E007")] if problem else []


@register(Tags.compatibility)
def moments_have_zones(**_: Any) -> list[CheckMessage]:
    """USE_TZ is on: when a message is due, and a recipient's quiet hours, are moments, and not readings of a clock."""
    if settings.USE_TZ:
        return []
    return [Error("USE_TZ must be True: the outbox reckons with moments in time zones.", id="notifications.E009")]


@register(Tags.compatibility)
def databases_read_what_is_committed(**_: Any) -> list[CheckMessage]:
    """No database that may hold the outbox is opened above READ COMMITTED, in which `publish` refuses to write."""
    return [
        Error(
            f"DATABASES[{alias!r}]['OPTIONS']['isolation_level'] must be READ COMMITTED, PostgreSQL's default: "
            "outbox.publish refuses every other transaction.",
            id="notifications.E010",
        )
        for alias in connections
        if connections[alias].settings_dict["OPTIONS"].get("isolation_level", READ_COMMITTED) != READ_COMMITTED
        and router.allow_migrate_model(alias, OutboxMessage)
    ]


@register(Tags.compatibility)
def channels_can_be_built(**_: Any) -> list[CheckMessage]:
    """Every configured channel loads and finds the settings it needs, and the templates of the kinds it carries.

    A process that sends nothing (OUTBOX_SENDS) needs no providers' credentials.
    """
    problems: list[CheckMessage] = []
    for name in channel_names():
        try:
            senders = _senders(name) if conf.sends() else [rehearsed_channel(name)]
        except ImproperlyConfigured as error:
            problems.append(Error(str(error), id="notifications.E004"))
            continue
        for sender in senders:
            problems += [problem for problem in _wordless(sender) if problem not in problems]
            sender.close()
    return problems


def _senders(channel: str) -> list[Channel]:
    """What sends over each of a channel's routes. `routes_are_whole` says what is wrong with an entry."""
    return [] if route_problems() else list(build_routes([channel], as_configured=True).values())


@register(Tags.compatibility)
def mailers_keep_to_the_deadline(**_: Any) -> list[CheckMessage]:
    """Every channel returns by its deadline, on which the promise rests that no message is under way twice."""
    problems: list[CheckMessage] = []
    for name in channel_names() if conf.sends() else ():
        try:
            senders = _senders(name)
        except ImproperlyConfigured:
            continue  # channels_can_be_built says so
        if not all(sender.keeps_deadline for sender in senders):
            problems.append(
                Caution(
                    f"The channel {name!r} uses an email backend that may run longer than OUTBOX_SEND_TIMEOUT_SECONDS: "
                    "a relay that hangs in it for longer than its lease could send a message a second time.",
                    hint="Use EMAIL_URL or Django's SMTP backend, or EMAIL_ESP for a provider of django-anymail's. "
                    "Otherwise give the backend a timeout of its own, well below OUTBOX_LEASE_SECONDS.",
                    id="notifications.W002",
                )
            )
        for sender in senders:
            sender.close()
    return problems


def _wordless(channel: Channel) -> list[CheckMessage]:
    """The kinds that go out on `channel` and lack a template for it."""
    carried = [kind for kind in map(kinds.get, kinds.names()) if channel.name in _channels_of(kind)]
    return [
        Error(
            f"The kind {kind.name!r} goes out on {channel.name!r}, and cannot be put into words: {problem}.",
            hint="A kind's own folder holds every file that its channels need; each language falls back to it.",
            id="notifications.E011",
        )
        for kind in carried
        for file_name in channel.templates_for(kind.name).values()
        for problem in template_problems(kind.name, file_name)
    ]


@register(Tags.compatibility)
def kinds_have_their_channels(**_: Any) -> list[CheckMessage]:
    """Every registered kind asks for channels that are configured: a message of another one would wait for ever."""
    return [
        Error(
            f"The kind {name!r} goes out on {channel!r}, which OUTBOX_CHANNELS lacks: it would never be sent.",
            id="notifications.E012",
        )
        for name in kinds.names()
        for channel in sorted(_channels_of(kinds.get(name)) - set(channel_names()))
    ]


def _channels_of(kind: kinds.Kind) -> set[str]:
    return {*kind.channels, *(fallback.channel for fallback in kind.fallback.values())}


@register(Tags.urls)
def addresses_are_public(**_: Any) -> list[CheckMessage]:
    """PUBLIC_URL is an address, and notifications.urls is included where something is to be reached there."""
    if public_url() and not is_public_address(str(settings.PUBLIC_URL)):
        wrong = "PUBLIC_URL must be https://host or https://host/path, in ASCII, without a password."
        return [Error(wrong, id="notifications.E013")]
    is_used = any(path.startswith(CALLING_BACK) for path in channel_paths().values()) or (
        public_url() and any(kinds.purpose_of(name) in UNSUBSCRIBABLE for name in kinds.names())
    )
    if not is_used or is_included("notifications:unsubscribe"):
        return []
    return [
        Caution(
            "The project's URLs do not include notifications.urls: receipts and STOP are not heard, and reminders have "
            "no unsubscribe link.",
            hint='path("webhooks/", include("notifications.urls"))',
            id="notifications.W001",
        )
    ]


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


@register(Tags.database)
def something_runs_the_clock(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Where there are messages, a relay or a clock does the periodic work."""
    problems: list[CheckMessage] = []
    for alias in databases or ():
        if not router.allow_migrate_model(alias, OutboxMessage):
            continue
        tables = connections[alias].introspection.table_names()
        if ClockJob._meta.db_table not in tables or not OutboxMessage.objects.using(alias).exists():
            continue  # not migrated, or not in use yet
        if wrong := silence_now(alias):
            problems.append(Caution(wrong, id="notifications.W003"))
    return problems
