"""The admin list of messages, and the page of one message."""

import json
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.timezone import localtime

from notifications.admin import bulk_replay, kind_previews, message_actions, repeat
from notifications.admin.base import CANCEL, REPLAY, ReadOnly, demand, may, page, sees_addresses, sees_links
from notifications.admin.lists import (
    MOST_LISTED,
    BoundedPaginator,
    ChannelFilter,
    ErrorFilter,
    KindFilter,
    LookBack,
    MoreThan,
    OneOrder,
    StatusFilter,
    WrittenFilter,
    bounded,
    days,
    window_of,
)
from notifications.admin.references import link_of
from notifications.content.public_links import public_url
from notifications.models import OutboxMessage
from notifications.models.audit import BulkReplay
from notifications.policy.causes import cause_of
from notifications.policy.link_masking import without_links
from notifications.policy.masking import hint
from notifications.policy.support_words import status_words
from notifications.selectors import search
from notifications.selectors.outgoing import address_of, words_of
from notifications.selectors.timeline import timeline_of
from notifications.selectors.waits import waits_of


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("id", "state", "error", "kind_name", "channel", "recipient_link", "written")
    list_filter = (StatusFilter, ChannelFilter, KindFilter, ErrorFilter, WrittenFilter, LookBack)
    search_fields = ("id",)  # how it is searched, `bounded` says
    search_help_text = (
        "A message's ID, a reference (booking 12), a phone number, an email address or a name, or their first letters."
    )
    list_select_related = ("recipient__user",)
    sortable_by = ()
    ordering = ("-id",)
    list_per_page = 50
    list_max_show_all = 50
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    actions = ("replay_selected", "cancel_selected")
    change_list_template = "admin/notifications/outboxmessage/change_list.html"

    class Media:
        css = {"all": ("notifications/admin.css",)}

    @admin.display(description="recipient")
    def recipient_link(self, message: OutboxMessage) -> str:
        lane = reverse("admin:notifications_recipient_lane", args=[message.recipient_id])
        return format_html('<a href="{}">{}</a>', lane, message.recipient.user or message.recipient)

    @admin.display(description="status")
    def state(self, message: OutboxMessage) -> str:
        said = status_words(message.status)
        receipt = format_html(' <span class="outbox-state outbox-receipt">{}</span>', message.receipt)
        badge = format_html('<span class="outbox-state outbox-{}">{}</span>', message.status, said)
        return badge + receipt if message.receipt else badge

    @admin.display(description="kind")
    def kind_name(self, message: OutboxMessage) -> str:
        """It may break after a dot."""
        return format_html_join(mark_safe(".<wbr>"), "{}", ((part,) for part in message.kind.split(".")))

    @admin.display(description="written")
    def written(self, message: OutboxMessage) -> str:
        at = date_format(localtime(message.created_at), "DATETIME_FORMAT")
        if message.send_at is None:
            return at
        return format_html(
            "{}<br><small>to be sent {}</small>", at, date_format(localtime(message.send_at), "DATETIME_FORMAT")
        )

    @admin.display(description="error")
    def error(self, message: OutboxMessage) -> str:
        if not message.error_code:
            return ""
        return format_html("{}<br><small>{}</small>", message.error_code, cause_of(message.error_code).what)

    @admin.action(permissions=["replay"], description="Replay selected failed messages…")
    def replay_selected(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> HttpResponse:
        if request.POST.get("select_across") == "1":
            return HttpResponseRedirect(_all_that_match(request, "replay"))
        return _with_ids("admin:notifications_outboxmessage_replay", queryset)

    @admin.action(permissions=["cancel"], description="Cancel selected waiting messages…")
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> HttpResponse:
        if request.POST.get("select_across") == "1":
            return HttpResponseRedirect(_all_that_match(request, "cancel_all"))
        return _with_ids("admin:notifications_outboxmessage_cancel", queryset)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return may(request, REPLAY)

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return may(request, CANCEL)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[OneOrder]:
        return OneOrder

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[OutboxMessage], search_term: str
    ) -> tuple[QuerySet[OutboxMessage], bool]:
        return bounded(request, queryset, search_term), False

    def get_urls(self) -> list[URLPattern]:
        def named(route: str, view: Any, name: str) -> URLPattern:
            address: URLPattern = path(
                route, self.admin_site.admin_view(view), name=f"notifications_outboxmessage_{name}"
            )
            return address

        return [
            named("replay/", self.replay_view, "replay"),
            named("cancel/", self.cancel_view, "cancel"),
            named("cancel/all/", self.cancel_all_view, "cancel_all"),
            named("<int:pk>/move/", self.move_view, "move"),
            named("<int:pk>/again/", self.again_view, "again"),
            named("<int:pk>/address/", self.address_view, "address"),
            *kind_previews.urls(self),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        answer = super().changelist_view(request, extra_context)
        context = getattr(answer, "context_data", None)
        if context and "cl" in context:
            context |= {
                "meanings": search.meanings(request.GET.get("q", ""), using=self.get_queryset(request).db),
                "window": window_of(request),
                "most_listed": MOST_LISTED,
                "is_cut": isinstance(context["cl"].result_count, MoreThan),
                "replay_all": _all_that_match(request, "replay") if may(request, REPLAY) else "",
                "cancel_all": _all_that_match(request, "cancel_all") if may(request, CANCEL) else "",
            }
        return answer

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The message page."""
        demand(request, "notifications.view_outboxmessage")
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        rows = self.get_queryset(request).select_related("recipient__user")
        message = rows.filter(pk=object_id).first() if object_id.isdecimal() else None
        if message is None:
            raise Http404(f"There is no message {object_id}.")
        return page(
            request,
            self,
            "outboxmessage/message.html",
            title=str(message),
            message=message,
            cause=cause_of(message.error_code) if message.error_code else None,
            waits=waits_of(message, using=message._state.db or "default"),
            timeline=timeline_of(message, using=message._state.db or "default"),
            words=words_of(message, shows_links=sees_links(request)),
            address=address_of(message) if sees_addresses(request) else hint(address_of(message)),
            repeats=list(message.repeats.order_by("pk").values_list("message_id", flat=True)),
            reference_link=link_of(message.reference),
            context_json=_context_of(message, shows_links=sees_links(request)),
            actions=message_actions.actions_on(request, message),
        )

    def replay_view(self, request: HttpRequest) -> HttpResponse:
        bulk_admin = self.admin_site.get_model_admin(BulkReplay)
        return bulk_replay.preview_view(request, bulk_admin)

    def cancel_view(self, request: HttpRequest) -> HttpResponse:
        return message_actions.cancel_view(request, self)

    def cancel_all_view(self, request: HttpRequest) -> HttpResponse:
        bulk_admin = self.admin_site.get_model_admin(BulkReplay)
        return bulk_replay.preview_view(request, bulk_admin, is_cancel=True)

    def move_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return message_actions.move_view(request, self, pk)

    def again_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return repeat.again_view(request, self, pk)

    def address_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return message_actions.address_view(request, self, pk)


def _with_ids(view: str, queryset: QuerySet[OutboxMessage]) -> HttpResponse:
    ids = list(queryset.values_list("pk", flat=True)[: OutboxMessageAdmin.list_per_page])
    return HttpResponseRedirect(f"{reverse(view)}?{urlencode({'ids': ids}, doseq=True)}")


def _context_of(message: OutboxMessage, *, shows_links: bool) -> str:
    said = json.dumps(message.context, indent=2, ensure_ascii=False, sort_keys=True)
    return said if shows_links else without_links(said, site=public_url())


def _all_that_match(request: HttpRequest, view: str) -> str:
    """The address of `view`, which previews what it would do to all messages that match the list's filters."""
    since, until = days(request.GET.get("written"))
    words = {name: request.GET.get(name) for name in ("kind", "channel", "error_code", "q")}
    moments = {"written_since": since and since.isoformat(), "written_until": until and until.isoformat()}
    words["status"] = request.GET.get("status__exact")
    given = {name: value for name, value in (words | moments).items() if value}
    return f"{reverse(f'admin:notifications_outboxmessage_{view}')}?{urlencode(given)}"
