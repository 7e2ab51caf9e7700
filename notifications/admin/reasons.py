"""Asks for a reason before a list's action is done, on a page that says what will happen to which rows."""

from django.contrib import admin
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from notifications.admin.base import page
from notifications.admin.forms import ReasonForm

SHOWN = 20  # rows
MOST = 500  # rows that one request changes, one after the other; more would end with the request, half done


def reason_or_page(
    request: HttpRequest, model_admin: admin.ModelAdmin, queryset: QuerySet, *, title: str, consequence: str
) -> str | HttpResponse:
    """The reason that was given, or the page that asks for one; `consequence` is a sentence for it.

    What is done is what the page showed: if rows came or went since, it is shown again. Above MOST rows nothing is.
    """
    form = ReasonForm(request.POST if "reason" in request.POST else None)
    total = queryset.order_by()[: MOST + 1].count()
    seen = request.POST.get("seen", str(total))
    if form.is_valid() and total <= MOST and seen == str(total):
        return str(form.cleaned_data["reason"])
    return page(
        request,
        model_admin,
        "confirm.html",
        title=title,
        consequence=consequence,
        form=form,
        rows=list(queryset[:SHOWN]),
        total=total,
        most=MOST,
        is_too_many=total > MOST,
        was=seen if seen != str(total) else "",
        action=request.POST.get("action", ""),
        select_across=request.POST.get("select_across", "0"),
        chosen=request.POST.getlist(helpers.ACTION_CHECKBOX_NAME),
        checkbox_name=helpers.ACTION_CHECKBOX_NAME,
    )
