"""The list of what staff did (operator actions), and the list of relays. Both are read-only."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from notifications.admin.base import ReadOnly
from notifications.admin.lists import BoundedPaginator
from notifications.models import Relay
from notifications.models.audit import OperatorAction
from notifications.selectors.search import id_in


@admin.register(OperatorAction)
class OperatorActionAdmin(ReadOnly, admin.ModelAdmin):
    list_display = (
        "id",
        "acted_at",
        "action",
        "actor",
        "reason",
        "message_id",
        "recipient_id",
        "channel",
        "error_code",
        "detail",
    )
    list_filter = ("action",)
    search_fields = ("message_id",)  # how it is searched, get_search_results says
    search_help_text = "A message's ID."
    ordering = ("-id",)
    sortable_by = ()
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    change_list_template = "admin/notifications/list.html"

    class Media:
        css = {"all": ("notifications/admin.css",)}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[OperatorAction], search_term: str
    ) -> tuple[QuerySet[OperatorAction], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        message = id_in(term.removeprefix("#"))
        return queryset.filter(message_id=message) if message is not None else queryset.none(), False


@admin.register(Relay)
class RelayAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("id", "host", "pid", "started_at", "heartbeat_at", "lease_until", "in_flight", "concurrency")
    ordering = ("id",)
    change_list_template = "admin/notifications/list.html"

    class Media:
        css = {"all": ("notifications/admin.css",)}
