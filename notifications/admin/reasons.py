"""Asks for a reason before something is done to a row of a list, on a page that says what will happen."""

from django.contrib import admin
from django.contrib.admin import helpers
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from notifications.admin.base import page
from notifications.admin.forms import ReasonForm


def reason_or_page(
    request: HttpRequest, model_admin: admin.ModelAdmin, row: Model, *, title: str, consequence: str
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
        rows=[row],
        total=1,
        last=row.pk,
        action=request.POST.get("action", ""),
        select_across="0",
        chosen=[row.pk],
        checkbox_name=helpers.ACTION_CHECKBOX_NAME,
    )
