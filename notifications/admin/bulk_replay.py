"""Replay pages: a preview of what would go out again, a confirmation, and the progress of a bulk replay.

The progress page runs the replay batch by batch: with a script, or with a button where there is no script.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path, reverse

from notifications.admin.base import REPLAY, ReadOnly, demand, may, page
from notifications.admin.forms import ReasonForm, SelectionForm
from notifications.admin.lists import BoundedPaginator
from notifications.models.audit import BulkReplay
from notifications.operations import bulk_replay
from notifications.operations.record_action import Actor
from notifications.operations.replay import replay
from notifications.selectors.failed_messages import ReplayPreview, Selection, UnknownUser, preview_replay

SECONDS = 1.0  # of work per request, so that the bar moves and no proxy ends the request


class ConfirmForm(ReasonForm):
    """The reason, and the moment of the preview: messages that failed later are not included."""

    as_of = forms.DateTimeField(widget=forms.HiddenInput)


@admin.register(BulkReplay)
class BulkReplayAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("id", "created_at", "actor", "reason", "total", "replayed", "finished_at", "stopped_by")
    ordering = ("-id",)
    paginator = BoundedPaginator
    show_full_result_count = False
    sortable_by = ()
    change_list_template = "admin/notifications/list.html"

    class Media:
        css = {"all": ("notifications/admin.css",)}

    def get_urls(self) -> list[URLPattern]:
        def named(route: str, view: Any, name: str) -> URLPattern:
            address: URLPattern = path(route, self.admin_site.admin_view(view), name=f"notifications_bulkreplay_{name}")
            return address

        return [
            named("<int:pk>/continue/", self.continue_view, "continue"),
            named("<int:pk>/stop/", self.stop_view, "stop"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Its progress, and the present status of the messages that it replayed."""
        if not may(request, REPLAY):
            demand(request, "notifications.view_bulkreplay")
        found = self.get_queryset(request).filter(pk=object_id).first() if object_id.isdecimal() else None
        if found is None:
            raise Http404(f"There is no bulk replay {object_id}.")
        return page(
            request,
            self,
            "bulkreplay/progress.html",
            title=f"Bulk replay {found.pk}",
            bulk=found,
            left=found.total - found.replayed,
            filters=found.filters,
            outcomes=_outcomes(found) if found.finished_at else [],
            may_drive=may(request, REPLAY),
        )

    def continue_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Replay the next batches."""
        demand(request, REPLAY)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        found = bulk_replay.work(self._existing(request, pk), seconds=SECONDS, using=self.get_queryset(request).db)
        if "application/json" in request.headers.get("Accept", ""):
            done = found.finished_at is not None
            return JsonResponse({"replayed": found.replayed, "total": found.total, "is_finished": done})
        return HttpResponseRedirect(_page_of(found.pk))

    def stop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Replay no further batch."""
        demand(request, REPLAY)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        pk = self._existing(request, pk)
        if bulk_replay.stop(pk, actor=Actor.of(request.user), using=self.get_queryset(request).db):
            messages.warning(request, "Stopped. Messages already replayed stay replayed.")
        return HttpResponseRedirect(_page_of(pk))

    def _existing(self, request: HttpRequest, pk: int) -> int:
        if not self.get_queryset(request).filter(pk=pk).exists():
            raise Http404(f"There is no bulk replay {pk}.")
        return pk


def preview_view(request: HttpRequest, model_admin: admin.ModelAdmin) -> HttpResponse:
    """Show what would go out again and to whom. With a reason and a confirmation, start it."""
    demand(request, "notifications.view_outboxmessage", REPLAY)
    chosen = SelectionForm(request.POST or request.GET)
    form = ConfirmForm(request.POST or None)
    if not chosen.is_valid():
        return page(request, model_admin, "bulkreplay/preview.html", title="Replay", chosen=chosen, status=400)
    selection = chosen.selection()
    using = model_admin.get_queryset(request).db
    is_confirmed = request.method == "POST" and form.is_valid()
    try:
        seen = preview_replay(selection, as_of=form.cleaned_data["as_of"] if is_confirmed else None, using=using)
    except UnknownUser as error:
        chosen.add_error("user", str(error))
        return page(request, model_admin, "bulkreplay/preview.html", title="Replay", chosen=chosen, status=400)
    if is_confirmed:
        return _begin(request, selection, seen, reason=form.cleaned_data["reason"], using=using)
    return page(
        request,
        model_admin,
        "bulkreplay/preview.html",
        title="Replay failed messages",
        chosen=chosen,
        words=selection.as_json(),
        hidden=[(name, value) for name in chosen.fields for value in _given(request, name)],
        seen=seen,
        form=form,
    )


def _begin(request: HttpRequest, selection: Selection, seen: ReplayPreview, *, reason: str, using: str) -> HttpResponse:
    """Replay a single message at once, several with a bulk replay."""
    actor = Actor.of(request.user)
    if not seen.total:
        messages.warning(request, "Nothing was replayed: no failed message matches any more.")
        return HttpResponseRedirect(reverse("admin:notifications_outboxmessage_changelist"))
    if len(selection.ids) == 1:
        replay(selection.ids, actor=actor, reason=reason, using=using)
        messages.success(request, "Replayed. The message goes next in its lane.")
        return HttpResponseRedirect(reverse("admin:notifications_outboxmessage_change", args=selection.ids))
    begun = bulk_replay.start(selection, seen, actor=actor, reason=reason, using=using)
    return HttpResponseRedirect(_page_of(begun.pk))


def _outcomes(found: BulkReplay) -> list[Any]:
    """How many of the messages that it replayed have which status now."""
    of_it = found.actions.filter(message__isnull=False)
    return [*of_it.values("message__status").annotate(count=Count("pk")).order_by("message__status")]


def _given(request: HttpRequest, name: str) -> list[str]:
    return [value for value in (request.POST or request.GET).getlist(name) if value]


def _page_of(pk: int) -> str:
    return reverse("admin:notifications_bulkreplay_change", args=[pk])
