"""Liveness and readiness, for load balancers, orchestrators and monitors."""

from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from config.migration_state import migration_state
from notifications.monitoring.views import tell_release
from notifications.selectors.overview import oldest_due_seconds
from notifications.shards import current, on_database, shards


@never_cache
def alive(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Names each check and what it found: 503 where the database does not answer, can only be read, or is not migrated.

    The third check, of the oldest due message's age against OUTBOX_READY_MAX_AGE_SECONDS, takes no web process out of
    service: bookings do not wait for messages. `/readyz?strict=1`, for monitors, is 503 for that as well.

    Where there are shards, and it is none of theirs that is asked, one that is ready will do, and the first is told. So
    a shard that is away takes no process out of service. With `strict=1` all must be ready, and each is told.
    """
    is_strict = request.GET.get("strict") == "1"
    if not shards() or current():
        code, said = _readiness(is_strict=is_strict)
        return JsonResponse(said, status=code)
    codes, each = [], {}
    for name in shards():
        with on_database(name):
            code, each[name] = _readiness(is_strict=is_strict)
        codes.append(code)
        if code == 200 and not is_strict:
            break
    code = max(codes) if is_strict else min(codes)
    return JsonResponse({"status": "ok" if code == 200 else "unavailable", "shards": each}, status=code)


def _readiness(*, is_strict: bool) -> tuple[int, dict[str, Any]]:
    """The answer's code, and what it says of the database at work."""
    checks, waited = _check()
    if checks["database"] != "ok" or checks["migrations"] != "ok":
        status, code = "unavailable", 503
    elif checks["outbox"] != "ok":
        status, code = "late", 503 if is_strict else 200
    else:
        status, code = "ok", 200
    return code, {"status": status, "checks": checks, "oldest_due_seconds": waited}


def _check() -> tuple[dict[str, str], float | None]:
    """What each check found, and for how long the oldest due message has waited; two short queries."""
    checks = dict.fromkeys(("database", "migrations", "outbox"), "unknown")
    waited = None
    try:
        migrations = migration_state(connection)
        checks |= {"database": "ok" if _can_write() else "read-only", "migrations": migrations}
        if migrations == "ok":
            tell_release()
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
