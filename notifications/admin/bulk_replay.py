"""Pages for many at once: a preview of the messages that would be replayed or cancelled, a confirmation, and the
progress of this and of every action on the rows of a list (`bulk_rows`).

The progress page does the work batch by batch: with a script, or with a button where there is no script.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path, reverse

from notifications.admin.base import CANCEL, REPLAY, ReadOnly, demand, may, page
from notifications.admin.forms import ReasonForm, SelectionForm
from notifications.admin.lists import BoundedPaginator
from notifications.models.audit import NOUNS, BulkReplay, Verb
from notifications.operations import bulk_replay, bulk_rows
from notifications.operations.bulk_rows import action_of, is_of_rows
from notifications.operations.record_action import Actor
from notifications.operations.replay import replay
from notifications.selectors.failed_messages import ReplayPreview, Selection, UnknownUser, preview_replay

DONE = {Verb.REPLAY.value: "replayed", Verb.CANCEL.value: "cancelled"}
PERMISSIONS = {Verb.REPLAY.value: REPLAY, Verb.CANCEL.value: CANCEL}
NOBODYS = "notifications.nobody"  # a permission that only superusers have: of what no app here does
MOST_SHOWN = 200  # rows that were passed over
SECONDS = 1.0  # of work per request, so that the bar moves and no proxy ends the request


class ConfirmForm(ReasonForm):
    """The reason, and the moment of the preview: messages that failed later are not included."""

    as_of = forms.DateTimeField(widget=forms.HiddenInput)


@admin.register(BulkReplay)
class BulkReplayAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("id", "created_at", "action", "actor", "reason", "total", "replayed", "finished_at", "stopped_by")
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
        """Its progress, and the present status of the messages that it changed."""
        found = self.get_queryset(request).filter(pk=object_id).first() if object_id.isdecimal() else None
        if not (found and _may_drive(request, found)):
            demand(request, "notifications.view_bulkreplay")
        if found is None:
            raise Http404(f"There is no bulk action {object_id}.")
        context = _of_rows(found) if is_of_rows(found) else _of_messages(found)
        return page(request, self, bulk=found, may_drive=_may_drive(request, found), **context)

    def continue_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Do the next batches."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        found = bulk_replay.work(self._permitted(request, pk).pk, seconds=SECONDS, using=self.get_queryset(request).db)
        if "application/json" in request.headers.get("Accept", ""):
            done = found.finished_at is not None
            ended = found.replayed + bulk_rows.passed_over(found).count()
            return JsonResponse({"replayed": found.replayed, "ended": ended, "total": found.total, "is_finished": done})
        return HttpResponseRedirect(_page_of(found.pk))

    def stop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Do no further batch."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        found = self._permitted(request, pk)
        if bulk_replay.stop(pk, actor=Actor.of(request.user), using=self.get_queryset(request).db):
            messages.warning(request, f"Stopped. What is already {_done(found)} stays {_done(found)}.")
        return HttpResponseRedirect(_page_of(pk))

    def _permitted(self, request: HttpRequest, pk: int) -> BulkReplay:
        """The one with this ID, for who may do what it does. Raises PermissionDenied, and Http404 if there is none."""
        found: BulkReplay | None = self.get_queryset(request).filter(pk=pk).first()
        if not (found and _may_drive(request, found)):
            demand(request, REPLAY)
        if found is None:
            raise Http404(f"There is no bulk action {pk}.")
        if not _may_drive(request, found):
            raise PermissionDenied
        return found


def preview_view(request: HttpRequest, model_admin: admin.ModelAdmin, *, is_cancel: bool = False) -> HttpResponse:
    """Show what would go out again, or be cancelled, and to whom. With a reason and a confirmation, start it."""
    demand(request, "notifications.view_outboxmessage", CANCEL if is_cancel else REPLAY)
    title = "Cancel waiting messages" if is_cancel else "Replay failed messages"
    frame: dict[str, Any] = {"title": title, "is_cancel": is_cancel}
    chosen = SelectionForm(request.POST or request.GET)
    form = ConfirmForm(request.POST or None)
    if not chosen.is_valid():
        return page(request, model_admin, "bulkreplay/preview.html", **frame, chosen=chosen, status=400)
    selection = chosen.selection(is_waiting=is_cancel)
    using = model_admin.get_queryset(request).db
    is_confirmed = request.method == "POST" and form.is_valid()
    try:
        seen = preview_replay(selection, as_of=form.cleaned_data["as_of"] if is_confirmed else None, using=using)
    except UnknownUser as error:
        chosen.add_error("user", str(error))
        return page(request, model_admin, "bulkreplay/preview.html", **frame, chosen=chosen, status=400)
    if is_confirmed:
        return _begin(request, selection, seen, reason=form.cleaned_data["reason"], using=using)
    return page(
        request,
        model_admin,
        "bulkreplay/preview.html",
        **frame,
        chosen=chosen,
        words={word: value for word, value in selection.as_json().items() if word != "is_waiting"},
        hidden=[(name, value) for name in chosen.fields for value in _given(request, name)],
        seen=seen,
        form=form,
    )


def _begin(request: HttpRequest, selection: Selection, seen: ReplayPreview, *, reason: str, using: str) -> HttpResponse:
    """Replay a single message at once, several with a bulk replay."""
    actor = Actor.of(request.user)
    if not seen.total:
        done, what = ("cancelled", "waiting") if selection.is_waiting else ("replayed", "failed")
        messages.warning(request, f"Nothing was {done}: no {what} message matches any more.")
        return HttpResponseRedirect(reverse("admin:notifications_outboxmessage_changelist"))
    if len(selection.ids) == 1 and not selection.is_waiting:
        replay(selection.ids, actor=actor, reason=reason, using=using)
        messages.success(request, "Replayed. The message goes next in its lane.")
        return HttpResponseRedirect(reverse("admin:notifications_outboxmessage_change", args=selection.ids))
    begun = bulk_replay.start(selection, seen, actor=actor, reason=reason, using=using)
    return HttpResponseRedirect(_page_of(begun.pk))


def _may_drive(request: HttpRequest, found: BulkReplay) -> bool:
    """Whether the user may do what it does."""
    action = action_of(found)
    return may(request, action.permission if action else PERMISSIONS.get(found.action, NOBODYS))


def _done(found: BulkReplay) -> str:
    """What it makes of messages or rows, in a word."""
    action = action_of(found)
    return action.done if action else DONE.get(found.action, "done")


def _of_messages(found: BulkReplay) -> dict[str, Any]:
    return {
        "template": "bulkreplay/progress.html",
        "title": f"Bulk {NOUNS[found.action]} {found.pk}",
        "done": _done(found),
        "left": found.total - found.replayed,
        "filters": {word: value for word, value in found.filters.items() if word != "is_waiting"},
        "outcomes": _outcomes(found) if found.finished_at else [],
    }


def _of_rows(found: BulkReplay) -> dict[str, Any]:
    action, over = action_of(found), bulk_rows.passed_over(found)
    passed = over.count()
    names = action.model._meta if action else None
    view = f"admin:{names.app_label}_{names.model_name}" if names else ""
    return {
        "template": "bulkreplay/rows.html",
        "title": f"{action.title if action else found.action}: bulk action {found.pk}",
        "done": _done(found),
        "names": names,
        "list_address": reverse(f"{view}_changelist") if names else "",
        "words": found.filters.get("words", {}),
        "ended": found.replayed + passed,
        "left": found.total - found.replayed - passed,
        "passed": passed,
        "over": [(item, reverse(f"{view}_change", args=[item.row]) if names else "") for item in over[:MOST_SHOWN]],
    }


def _outcomes(found: BulkReplay) -> list[Any]:
    """How many of the messages that it changed have which status now."""
    of_it = found.actions.filter(message__isnull=False)
    return [*of_it.values("message__status").annotate(count=Count("pk")).order_by("message__status")]


def _given(request: HttpRequest, name: str) -> list[str]:
    return [value for value in (request.POST or request.GET).getlist(name) if value]


def _page_of(pk: int) -> str:
    return reverse("admin:notifications_bulkreplay_change", args=[pk])
