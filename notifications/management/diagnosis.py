"""Goes through everything that a running outbox rests on, and says of each thing whether it is well, and what to do."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from django.core.checks import CheckMessage, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from notifications import conf
from notifications.channels import channel_names
from notifications.channels.base import State
from notifications.channels.deadline import Deadline
from notifications.channels.routes import build_routes, route_keys
from notifications.protocol.run_sql import fetch_all

OLDEST_SERVER = 140_000  # PostgreSQL 14
PROBE_SECONDS = 10.0
CHECKED = {  # the system checks of each line, by id; those that are named nowhere are of the settings
    "templates": ("E011", "E012"),
    "urls": ("E013", "W001"),
    "clock": ("W003",),
    "database": ("E005",),
    "isolation": ("E010",),
    "mailer": ("W002",),
    "a channel": ("E004",),  # each channel's own line tells it
}
ALIVE = "SELECT count(*) FROM notifications_relay WHERE lease_until > clock_timestamp()"


class Finding(NamedTuple):
    """Where something is wrong, `said` ends with what to do."""

    subject: str
    state: State
    said: str


def findings(using: str) -> Iterator[Finding]:
    """Each thing in turn. Without a database that can be used, what needs one is left out."""
    messages = _system_checks(using)
    yield from _of_checks("settings", messages, "Their types and values fit together.")
    yield from _of_checks("templates", messages, "Every kind can be put into words on each of its channels.")
    yield from _of_checks("urls", messages, "Callbacks and unsubscribe links lead somewhere.")
    try:
        yield from _database(using)
    except DatabaseError as error:
        yield Finding("database", State.WRONG, f"It cannot be used: {' '.join(str(error).split())}")
    else:
        yield from _of_checks("database", messages, "")
        yield from _of_checks("clock", messages, "Something does the periodic work, or there is none yet.")
        yield _relays(using)
    yield from _of_checks("mailer", messages, "")
    for name in channel_names():
        for key in route_keys(name):
            yield _channel(name, key)


def _system_checks(using: str) -> Sequence[CheckMessage]:
    try:
        found = run_checks(include_deployment_checks=True, databases=[using])
    except DatabaseError:  # which `_database` tells of
        found = run_checks(include_deployment_checks=True)
    return [each for each in found if str(each.id).startswith("notifications.") and not each.is_silenced()]


def _of_checks(subject: str, messages: Sequence[CheckMessage], well: str) -> Iterator[Finding]:
    """`well`: what is said if no check complains; empty: nothing."""
    wrong = [each for each in messages if _subject_of(each) == subject]
    for each in wrong:
        yield Finding(subject, State.WRONG, " ".join(filter(None, (each.msg, each.hint))))
    if not wrong and well:
        yield Finding(subject, State.OK, well)


def _subject_of(message: CheckMessage) -> str:
    number = str(message.id).rpartition(".")[2]
    return next((subject for subject, numbers in CHECKED.items() if number in numbers), "settings")


def _database(using: str) -> Iterator[Finding]:
    """Raises DatabaseError."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        yield Finding("database", State.WRONG, f"It is {connection.vendor}: the outbox needs PostgreSQL.")
        return
    connection.ensure_connection()
    version = connection.cursor().connection.info.server_version
    ((read_only, isolation),) = fetch_all(
        "SELECT current_setting('transaction_read_only'), current_setting('default_transaction_isolation')", using=using
    )
    if version < OLDEST_SERVER:
        yield Finding("database", State.WRONG, f"PostgreSQL {version // 10_000} is too old: use 14 or newer.")
    elif read_only == "on":
        yield Finding("database", State.WRONG, "It can only be read. Connect to the primary server.")
    elif missing := _missing_migrations(using):
        yield Finding("database", State.WRONG, f"{missing} migrations are missing. Run manage.py migrate.")
    else:
        yield Finding("database", State.OK, f"PostgreSQL {version // 10_000}, migrated, and can be written.")
    yield _isolation(isolation)
    yield _proxy(using)


def _missing_migrations(using: str) -> int:
    executor = MigrationExecutor(connections[using])
    targets = [node for node in executor.loader.graph.leaf_nodes() if node[0] == "notifications"]
    return len(executor.migration_plan(targets))


def _isolation(default: str) -> Finding:
    if default == "read committed":
        return Finding("isolation", State.OK, "Transactions are READ COMMITTED.")
    cure = "Set isolation_level in DATABASES, and default_transaction_isolation of the role, to READ COMMITTED."
    return Finding("isolation", State.WRONG, f"Transactions are {default.upper()}, and publish refuses them. {cure}")


def _proxy(using: str) -> Finding:
    """Two connections that one server process answers, while the other one is in a transaction, share it: a proxy."""
    one, other = connections.create_connection(using), connections.create_connection(using)
    try:
        with one.cursor() as first, other.cursor() as second:
            first.execute("SELECT pg_backend_pid()")
            second.execute("BEGIN")
            second.execute("SELECT pg_backend_pid()")
            is_shared = first.fetchone() == second.fetchone()
            second.execute("ROLLBACK")
    finally:
        one.close()
        other.close()
    if not is_shared:
        return Finding("proxy", State.OK, "No proxy pools transactions in between.")
    if conf.rescue() == "lease":
        return Finding("proxy", State.OK, "A proxy pools transactions, and OUTBOX_RESCUE is lease.")
    cure = 'Set OUTBOX_RESCUE = "lease", or let relays connect to the server itself.'
    return Finding("proxy", State.WRONG, f"A proxy pools transactions, so session locks are lost. {cure}")


def _relays(using: str) -> Finding:
    try:
        ((alive,),) = fetch_all(ALIVE, using=using)
    except DatabaseError:
        return Finding("relays", State.NOT_TRIED, "The outbox has no tables yet.")
    if alive:
        return Finding("relays", State.OK, f"{alive} {'is' if alive == 1 else 'are'} running.")
    return Finding("relays", State.WRONG, "None is running, so nothing is sent. Start manage.py run_outbox_relay.")


def _channel(name: str, key: str) -> Finding:
    subject = f"channel {name}" if key == name else f"route {key}"
    try:
        channel = build_routes([name], as_configured=True)[key]
    except ImproperlyConfigured as error:
        return Finding(subject, State.WRONG if conf.sends() else State.NOT_TRIED, str(error))
    try:
        return Finding(subject, *channel.probe(Deadline.after(PROBE_SECONDS)))
    except Exception as error:  # noqa: BLE001  (a bug in somebody's channel must not hide the other lines)
        return Finding(
            subject, State.WRONG, f"Its probe raised {type(error).__name__}: a bug in {type(channel).__qualname__}."
        )
    finally:
        channel.close()
