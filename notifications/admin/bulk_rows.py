"""The actions of a list, on the rows that were ticked or on all that match: a page that says what will happen to which
rows and asks why, and then the work, which `bulk_replay`'s page shows if it takes longer than a moment.
"""

import json
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from notifications.admin.base import demand, may, page
from notifications.admin.forms import ReasonForm
from notifications.models.audit import BulkReplay
from notifications.operations import bulk_replay, bulk_rows
from notifications.operations.bulk_rows import RowAction
from notifications.operations.record_action import Actor
from notifications.selectors.search import id_in

SHOWN = 20  # rows; what became of so many is said on the list itself
SECONDS = 1.0  # of work before the page of the progress

Listed = Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponse | None]


class ActsOnRows:
    """For the bases of a ModelAdmin: hides those of its actions for which the user has no permission."""

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> dict[str, Any]:
        where = {} if action_location is None else {"action_location": action_location}  # from Django 6.1 on
        offered: dict[str, Any] = super().get_actions(request, **where)  # type: ignore[misc]
        needs = {each.__name__: each.needs for each in getattr(self, "actions", ()) if hasattr(each, "needs")}
        return {name: each for name, each in offered.items() if name not in needs or may(request, needs[name])}


def listed(action: RowAction, *, form: type[forms.Form] = ReasonForm) -> Listed:
    """`action` as a ModelAdmin's. The fields of `form`, besides the reason, are the action's words."""

    def do(model_admin: admin.ModelAdmin, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        return _start_or_ask(model_admin, request, rows, action, form)

    do.__name__ = action.name
    do.short_description = action.description  # type: ignore[attr-defined]
    do.needs = action.permission  # type: ignore[attr-defined]
    return do


def _start_or_ask(
    model_admin: admin.ModelAdmin,
    request: HttpRequest,
    rows: QuerySet[Any],
    action: RowAction,
    form_of: type[forms.Form],
) -> HttpResponse | None:
    """Start it once it is confirmed. What is done is what the page showed: rows that came later are left out, and if
    others came or went since, it is shown again.
    """
    demand(request, action.permission)
    last = id_in(request.POST.get("last", "")) or rows.order_by().aggregate(last=Max("pk"))["last"] or 0
    rows = rows.filter(pk__lte=last)
    if not action.is_asked and request.POST.get("select_across", "0") == "0":
        return _begin(model_admin, request, rows, action, {"reason": ""})
    total = rows.order_by().values("pk").distinct().count()
    seen = request.POST.get("seen", str(total))
    form = form_of(request.POST if {"reason", "seen"} & request.POST.keys() else None)
    if form.is_valid() and seen == str(total):
        return _begin(model_admin, request, rows, action, form.cleaned_data)
    return page(
        request,
        model_admin,
        "confirm.html",
        title=action.title,
        consequence=action.consequence,
        form=form,
        form_media=model_admin.media + form.media
        if form.media.render_js()
        else None,  # a calendar needs the admin's own
        rows=list(rows[:SHOWN]),
        total=total,
        last=last,
        was=seen if seen != str(total) else "",
        action=request.POST.get("action", ""),
        select_across=request.POST.get("select_across", "0"),
        chosen=request.POST.getlist(helpers.ACTION_CHECKBOX_NAME),
        checkbox_name=helpers.ACTION_CHECKBOX_NAME,
    )


def _begin(
    model_admin: admin.ModelAdmin,
    request: HttpRequest,
    rows: QuerySet[Any],
    action: RowAction,
    answers: dict[str, Any],
) -> HttpResponse | None:
    asked = {name: value for name, value in answers.items() if name != "reason"}
    words = json.loads(json.dumps(asked, cls=DjangoJSONEncoder))
    actor, reason = Actor.of(request.user), answers["reason"]
    bulk = bulk_rows.start(action, rows, actor=actor, reason=reason, words=words)
    bulk = bulk_replay.work(bulk.pk, seconds=SECONDS, using=rows.db)
    if bulk.finished_at is None or bulk.total > SHOWN:
        return HttpResponseRedirect(reverse("admin:notifications_bulkreplay_change", args=[bulk.pk]))
    _tell(model_admin, request, bulk)
    return None


def _tell(model_admin: admin.ModelAdmin, request: HttpRequest, bulk: BulkReplay) -> None:
    for item in bulk.items.order_by("row"):
        model_admin.message_user(request, item.said, messages.SUCCESS if item.is_done else messages.ERROR)
