"""Admin page of usage: messages, segments and cost by month, kind, channel and country; and the same as CSV."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.core.validators import ProhibitNullCharactersValidator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from notifications.admin.base import ReadOnly, demand, page
from notifications.admin.csv_file import csv_file
from notifications.models import Usage
from notifications.selectors.usage_report import COUNTS, GROUPS, Line, Wanted, usage_report

VIEW = "notifications.view_usage"
MONTHS = 12  # that are shown unless others are asked for
MOST_SHOWN = 500  # lines on a page; the CSV has all
MEASURED = ("delivery_rate", "seconds_to_acceptance", "seconds_to_delivery")


class MonthField(forms.Field):
    """A month, as browsers send it: 2026-11. Its value is its first day."""

    widget = forms.DateInput(attrs={"type": "month"}, format="%Y-%m")

    def to_python(self, value: Any) -> date | None:
        if value in self.empty_values or isinstance(value, date):
            return value or None
        try:
            return date.fromisoformat(f"{str(value).strip()}-01")
        except ValueError:
            raise forms.ValidationError("A month is written like 2026-11.") from None


class WantedForm(forms.Form):
    """Which usage, and by what."""

    since = MonthField(label="From")
    until = MonthField(label="To")
    by = forms.MultipleChoiceField(choices=[(name, name) for name in GROUPS], widget=forms.CheckboxSelectMultiple)
    kind = forms.CharField(max_length=64, required=False, validators=[ProhibitNullCharactersValidator()])
    channel = forms.CharField(max_length=32, required=False, validators=[ProhibitNullCharactersValidator()])
    country = forms.CharField(
        max_length=2,
        required=False,
        validators=[ProhibitNullCharactersValidator()],
        widget=forms.TextInput(attrs={"size": 3, "title": "Two letters, for example US"}),
    )

    def clean_country(self) -> str:
        return str(self.cleaned_data["country"]).upper()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("since") and cleaned.get("until") and cleaned["since"] > cleaned["until"]:
            raise forms.ValidationError("The last month comes before the first.")
        return cleaned

    def wanted(self) -> Wanted:
        return Wanted(**self.cleaned_data)


def asked(given: QueryDict) -> QueryDict:
    """What is asked for; the last twelve months by channel where nothing else is."""
    month = timezone.now().date().replace(day=1)
    first = month.replace(year=month.year - (month.month < MONTHS), month=month.month % MONTHS + 1)
    data = QueryDict(mutable=True)
    data.update({"since": f"{first:%Y-%m}", "until": f"{month:%Y-%m}"})
    data.setlist("by", ["month", "channel"])
    for name in WantedForm.base_fields:
        if values := given.getlist(name):
            data.setlist(name, values)
    return data


@admin.register(Usage)
class UsageAdmin(ReadOnly, admin.ModelAdmin):
    exports_its_list = False  # but the report

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The report; there is no list of counters behind it."""
        demand(request, VIEW)
        query = asked(request.GET)
        form = WantedForm(query)
        lines = usage_report(form.wanted()) if form.is_valid() else []
        return page(
            request,
            self,
            "usage/report.html",
            title="Usage and cost",
            form=form,
            by=[name for name in GROUPS if name in form.cleaned_data.get("by", ())],
            lines=lines[:MOST_SHOWN],
            left_out=max(len(lines) - MOST_SHOWN, 0),
            csv_address=f"{reverse('admin:notifications_usage_csv')}?{query.urlencode()}",
        )

    def change_view(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        raise Http404("A counter has no page.")

    def list_export_view(self, request: HttpRequest) -> HttpResponseBase:
        demand(request, VIEW)
        form = WantedForm(asked(request.GET))
        if not form.is_valid():
            raise Http404("There is no such report.")
        lines = usage_report(form.wanted())
        by = [name for name in GROUPS if name in form.cleaned_data["by"]]
        currencies = sorted({currency for line in lines for currency in line.cost})
        header = [*by, *COUNTS, *(f"cost {currency}" for currency in currencies), *MEASURED]
        return csv_file("usage", header, _rows(lines, by, currencies))


def _rows(lines: Sequence[Line], by: Sequence[str], currencies: Sequence[str]) -> Iterator[list[Any]]:
    for line in lines:
        group = [f"{line.group[name]:%Y-%m}" if name == "month" else line.group[name] for name in by]
        costs = [line.cost.get(currency, 0) for currency in currencies]
        counts = [line.counts[name] for name in COUNTS]
        measured = (line.delivery_rate, line.seconds_to_acceptance, line.seconds_to_delivery)
        yield [*group, *counts, *costs, *(value if value is None else round(value, 4) for value in measured)]
