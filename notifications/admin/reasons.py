"""Asks for a reason before a list's action is done, on a page that says what will happen to which rows."""

from django.contrib import admin
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from notifications.admin.base import page
from notifications.admin.forms import ReasonForm

SHOWN = 20  # rows


def reason_or_page(
    request: HttpRequest, model_admin: admin.ModelAdmin, queryset: QuerySet, *, title: str, consequence: str
) -> str | HttpResponse:
    """The reason that was given, or the page that asks for one; `consequence` is a sentence for it."""
    form = ReasonForm(request.POST if "reason" in request.POST else None)
    if form.is_valid():
        return str(form.cleaned_data["reason"])
    return page(
        request,
        model_admin,
        "confirm.html",
        title=title,
        consequence=consequence,
        form=form,
        rows=list(queryset[:SHOWN]),
        total=queryset.count(),
        action=request.POST.get("action", ""),
        select_across=request.POST.get("select_across", "0"),
        chosen=request.POST.getlist(helpers.ACTION_CHECKBOX_NAME),
        checkbox_name=helpers.ACTION_CHECKBOX_NAME,
    )
