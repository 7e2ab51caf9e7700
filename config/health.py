"""Liveness and readiness, for load balancers and orchestrators."""

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from notifications.stats import oldest_due_seconds

STALE_SECONDS = 120.0  # a due message that has waited longer means that no relay is keeping up


@never_cache
def alive(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """The database answers and is migrated (else 503); how long the oldest due message has waited is reported.

    A relay that lags is told, and is no reason to take the web out of service: bookings do not wait for messages.
    """
    try:
        executor = MigrationExecutor(connection)
        pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        waited = None if pending else oldest_due_seconds()
    except DatabaseError as error:
        return JsonResponse({"status": "unavailable", "database": type(error).__name__}, status=503)
    if pending:
        return JsonResponse({"status": "unavailable", "database": "ok", "pending_migrations": pending}, status=503)
    relay = "late" if waited is not None and waited > STALE_SECONDS else "ok"
    return JsonResponse({"status": "ok", "database": "ok", "relay": relay, "oldest_due_seconds": waited})
