"""The page that lists all shards, the one that hurts most first, each with the way to its own board."""

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from notifications.admin.base import demand
from notifications.monitoring.shard_states import may_be_seen_here, shard_states

VIEW = "notifications.view_outboxmessage"


@never_cache
@require_safe
def all_shards(request: HttpRequest) -> HttpResponse:
    """For staff who may see messages in the shard that OUTBOX_OPERATORS_SHARD names; a 404 in all others."""
    demand(request, VIEW)
    if not may_be_seen_here():
        raise Http404("This is no shard from which all are seen.")
    context = {**admin.site.each_context(request), "title": "All shards", "shards": shard_states()}
    return TemplateResponse(request, "admin/outbox/shards.html", context)
