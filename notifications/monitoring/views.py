"""`/metrics`: for Prometheus with METRICS_TOKEN, and for staff who may see messages. Nothing personal in it (G12)."""

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from notifications import conf
from notifications.monitoring.outbox_metrics import registry
from notifications.monitoring.web_release import tell_release

__all__ = ["metrics", "tell_release"]

BEARER = "Bearer "


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The outbox's metrics as Prometheus text; 401 for others. Without METRICS_TOKEN only staff may read them."""
    if not (_has_token(request) or _is_staff(request)):
        answer = HttpResponse("The metrics want METRICS_TOKEN as a bearer token.\n", "text/plain", status=401)
        answer["WWW-Authenticate"] = "Bearer"
        return answer
    tell_release()
    return HttpResponse(generate_latest(registry()), CONTENT_TYPE_LATEST)


def _has_token(request: HttpRequest) -> bool:
    wanted = conf.metrics_token()
    sent = request.headers.get("Authorization", "")
    return bool(wanted) and sent.startswith(BEARER) and constant_time_compare(sent.removeprefix(BEARER), wanted)


def _is_staff(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    if not (user and user.is_active and user.is_staff and user.has_perm("notifications.view_outboxmessage")):
        return False
    return not apps.is_installed("django.contrib.admin") or bool(admin.site.has_permission(request))
