"""What staff did, for reading and for export: nobody writes or deletes it here, and the database refuses it."""

import json
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import BooleanField, Q, QuerySet, Value
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path

from notifications.admin.base import CHANGE_ADDRESS, ReadOnly, demand, may
from notifications.admin.csv_file import csv_file
from notifications.admin.list_export import latest_first
from notifications.admin.lists import BoundedPaginator, Word
from notifications.models import Relay
from notifications.models.audit import OperatorAction, Verb
from notifications.operations.record_action import Actor, known_verbs, record
from notifications.policy.masking import hint
from notifications.selectors.search import LARGEST_ID

EXPORT = "notifications.export_operatoraction"
ADDRESSES = ("phone", "email")  # in `before` and `after`: whole for those who may change them
COLUMNS = (
    *("id", "acted_at", "action", "subject", "actor_id", "actor", "reason"),
    *("message_id", "recipient_id", "channel", "bulk_id", "error_code", "detail", "before", "after"),
)


class VerbFilter(Word):
    title = parameter_name = "action"

    def words(self, using: str) -> list[str]:
        return known_verbs()


@admin.register(OperatorAction)
class OperatorActionAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("id", "acted_at", "action", "about", "who", "reason", "change", "error_code")
    list_filter = (VerbFilter, "acted_at")
    search_fields = ("subject",)  # how it is searched, get_search_results says
    search_help_text = "A message's ID, what it was done to (booking:12, user:7), or the name of whoever did it."
    fields = (*("id", "acted_at", "action", "about", "who", "reason", "change", "detail", "error_code", "bulk"),)
    readonly_fields = ("about", "who", "change")
    ordering = ("-id",)
    sortable_by = ()
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    change_list_template = "admin/notifications/operatoraction/change_list.html"
    exports_its_list = False  # but the record's own columns, with a permission of their own

    class Media:
        css = {"all": ("notifications/admin.css",)}

    @admin.display(description="done to")
    def about(self, action: OperatorAction) -> str:
        if action.message_id:
            return f"message:{action.message_id}"
        return action.subject or (f"recipient:{action.recipient_id}" if action.recipient_id else action.channel)

    @admin.display(description="by")
    def who(self, action: OperatorAction) -> str:
        return f"{action.actor} (user {action.actor_id})" if action.actor_id else action.actor

    @admin.display(description="before → after")
    def change(self, action: OperatorAction) -> str:
        if action.before is None and action.after is None:
            return action.detail
        shows = getattr(action, "shows_addresses", False)
        return f"{_told(action.before, shows=shows)} → {_told(action.after, shows=shows)}"

    def get_queryset(self, request: HttpRequest) -> QuerySet[OperatorAction]:
        shows = Value(may(request, CHANGE_ADDRESS), output_field=BooleanField())
        rows: QuerySet[OperatorAction] = super().get_queryset(request).annotate(shows_addresses=shows)
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[OperatorAction], search_term: str
    ) -> tuple[QuerySet[OperatorAction], bool]:
        term = search_term.strip().replace("\x00", "")
        if not term:
            return queryset, False
        if term.isdecimal():  # Python reads no integer of thousands of digits
            message_id = min(int(term), LARGEST_ID) if len(term) <= len(str(LARGEST_ID)) else LARGEST_ID
            return queryset.filter(message_id=message_id), False
        return queryset.filter(Q(subject=term) | Q(actor=term)), False

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(self.export_view)
        return [path("export/", export, name="notifications_operatoraction_export"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        context = {"may_export": may(request, EXPORT), "query": request.GET.urlencode()}
        return super().changelist_view(request, context | (extra_context or {}))

    def export_view(self, request: HttpRequest) -> StreamingHttpResponse:
        """What the list's filters leave, as CSV. That it was exported is on record, too."""
        demand(request, "notifications.view_operatoraction", EXPORT)
        rows = self.get_changelist_instance(request).get_queryset(request)
        after = {"filters": request.GET.dict()}
        record(Verb.EXPORT, actor=Actor.of(request.user), subject="record", after=after, using=rows.db)
        return csv_file("record", COLUMNS, _rows(rows, shows=may(request, CHANGE_ADDRESS)))


def _rows(rows: QuerySet[OperatorAction], *, shows: bool) -> Iterator[list[Any]]:
    """The rows, the latest first, read in batches."""
    for action in latest_first(rows):
        told = {"before": _told(action.before, shows=shows), "after": _told(action.after, shows=shows)}
        yield [told[name] if name in told else getattr(action, name) for name in COLUMNS]


def _told(facts: dict[str, Any] | None, *, shows: bool) -> str:
    """What was so, with addresses as whoever reads may see them."""
    if facts is None:
        return ""
    seen = {name: hint(value) if name in ADDRESSES and not shows else value for name, value in facts.items()}
    return json.dumps(seen, ensure_ascii=False)


@admin.register(Relay)
class RelayAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("id", "host", "pid", "started_at", "heartbeat_at", "lease_until", "in_flight", "concurrency")
    ordering = ("id",)
    change_list_template = "admin/notifications/list.html"

    class Media:
        css = {"all": ("notifications/admin.css",)}
