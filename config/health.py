"""Liveness and readiness, for load balancers, orchestrators and monitors."""

from functools import cache

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from notifications.management.older_history import GONE
from notifications.selectors.overview import oldest_due_seconds


@never_cache
def alive(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Names each check and what it found: 503 where the database does not answer, can only be read, or is not migrated.

    The third check, of the oldest due message's age against OUTBOX_READY_MAX_AGE_SECONDS, takes no web process out of
    service: bookings do not wait for messages. `/readyz?strict=1`, for monitors, is 503 for that as well.
    """
    checks, waited = _check()
    if checks["database"] != "ok" or checks["migrations"] != "ok":
        status, code = "unavailable", 503
    elif checks["outbox"] != "ok":
        status, code = "late", 503 if request.GET.get("strict") == "1" else 200
    else:
        status, code = "ok", 200
    return JsonResponse({"status": status, "checks": checks, "oldest_due_seconds": waited}, status=code)


def _check() -> tuple[dict[str, str], float | None]:
    """What each check found, and for how long the oldest due message has waited; two short queries."""
    checks = dict.fromkeys(("database", "migrations", "outbox"), "unknown")
    waited = None
    try:
        migrations = _migrations()
        checks |= {"database": "ok" if _can_write() else "read-only", "migrations": migrations}
        if migrations == "ok":
            waited = oldest_due_seconds()
            checks["outbox"] = "late" if (waited or 0.0) > settings.OUTBOX_READY_MAX_AGE_SECONDS else "ok"
    except DatabaseError as error:
        checks["database"] = type(error).__name__  # its words may name hosts and users
    return checks, waited


def _can_write() -> bool:
    """False on a standby, and while a failover behind one address has not ended: `SELECT 1` says that all is well."""
    reported = connection.connection.info.parameter_status  # by the server, at each change; a proxy may keep it back
    read_only = [reported("default_transaction_read_only"), reported("in_hot_standby")]
    if None in read_only:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('transaction_read_only')")
            read_only = list(cursor.fetchone())
    return "on" not in read_only


def _migrations() -> str:
    """ "ok", or what is wrong: so many pending, or a database whose tables no migration of this code has made."""
    loader = _migrations_of_this_code()
    applied = MigrationRecorder(connection).applied_migrations().keys()
    if GONE in applied:
        return "from before the first release"
    pending = sum(
        key not in applied and not (key in loader.replacements and applied >= set(loader.replacements[key].replaces))
        for key in loader.graph.nodes
    )
    return f"{pending} pending" if pending else "ok"


@cache
def _migrations_of_this_code() -> MigrationLoader:
    """Read from the disk once: the code of a process does not change."""
    return MigrationLoader(None)
