"""Admin pages of the recipients, and of one recipient's lane: unfinished messages in order, finished ones, actions."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from notifications.admin import message_actions, person
from notifications.admin.base import CANCEL, REPLAY, demand, may, page
from notifications.admin.changed_fields import ChangedFieldsAdmin
from notifications.admin.lists import BoundedPaginator, OneOrder
from notifications.admin.odd_input import AnswersOddInput
from notifications.admin.opt_outs import ConsentInline, RecipientForm
from notifications.models import Recipient
from notifications.operations.record_action import Actor
from notifications.recipients.addresses import adopt_opt_outs
from notifications.selectors import search
from notifications.selectors.lane import lane_page
from notifications.selectors.waits import waits_of


@admin.register(Recipient)
class RecipientAdmin(AnswersOddInput, ChangedFieldsAdmin, admin.ModelAdmin):
    list_display = ("id", "user", "phone", "email", "locale", "time_zone", "lane_link")
    search_fields = ("id",)  # how it is searched, get_search_results says
    search_help_text = "An ID, a phone number, an email address or a user's name, each in full."
    list_select_related = ("user",)
    raw_id_fields = ("user",)
    sortable_by = ()
    ordering = ("-id",)
    paginator = BoundedPaginator
    show_full_result_count = False
    form = RecipientForm
    inlines = (ConsentInline,)
    change_list_template = "admin/notifications/list.html"

    class Media:
        css = {"all": ("notifications/admin.css",)}

    @admin.display(description="messages")
    def lane_link(self, recipient: Recipient) -> str:
        lane = reverse("admin:notifications_recipient_lane", args=[recipient.pk])
        got = reverse("admin:notifications_recipient_got", args=[recipient.pk])
        return format_html('<a href="{}">what waits</a>, <a href="{}">what they got</a>', lane, got)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        if not change:
            with transaction.atomic(using=obj._state.db):
                adopt_opt_outs(obj, using=obj._state.db or "default")
        form.apply_opt_outs(obj, actor=Actor.of(request.user), using=obj._state.db or "default")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a recipient's row is the lock of its lanes

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Addresses cannot be changed here, but only on the page that asks for a reason."""
        return ("user", "phone", "email") if obj else ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[OneOrder]:
        return OneOrder

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Recipient], search_term: str
    ) -> tuple[QuerySet[Recipient], bool]:
        if not search_term.strip():
            return queryset, False
        found = search.recipients_called(search_term, using=queryset.db)
        return queryset.filter(pk__in=found), False

    def get_urls(self) -> list[URLPattern]:
        lane = self.admin_site.admin_view(self.lane_view)
        page_of_lane = path("<int:pk>/lane/", lane, name="notifications_recipient_lane")
        return [page_of_lane, *person.urls(self), *super().get_urls()]

    def lane_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One recipient's messages: the unfinished ones in order, then the latest finished ones."""
        demand(request, "notifications.view_outboxmessage")
        recipient = get_object_or_404(self.get_queryset(request).select_related("user"), pk=pk)
        lane = lane_page(
            recipient,
            lane=request.GET.get("lane", ""),
            after=_number(request.GET.get("after")),
            before=_number(request.GET.get("before")),
            using=recipient._state.db or "default",
        )
        head = lane.unfinished[0] if lane.unfinished else None
        return page(
            request,
            self,
            "recipient/lane.html",
            title=f"Messages of {recipient.user or recipient}",
            recipient=recipient,
            person=person.person_of(request, recipient),
            lane=lane,
            waits=waits_of(head, using=recipient._state.db or "default") if head else [],
            unfinished=[(message, message_actions.actions_on(request, message)) for message in lane.unfinished],
            held=[(message, message_actions.actions_on(request, message)) for message in lane.held],
            finished=[(message, message_actions.actions_on(request, message)) for message in lane.finished],
            may_replay=may(request, REPLAY),
            may_cancel=may(request, CANCEL),
        )


def _number(text: str | None) -> int | None:
    return search.id_in(text or "")
