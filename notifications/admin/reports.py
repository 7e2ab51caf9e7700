"""What the admin's reports from counters share: a choice of months, a page of lines in place of a list, and a CSV."""

from collections.abc import Callable, Iterable, Sequence
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

VIEW = "notifications.view_usage"
MONTHS = 12  # that are shown unless others are asked for
MOST_SHOWN = 500  # lines on a page; the CSV has all


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


class PeriodForm(forms.Form):
    """Of which months, which channel and which country."""

    since = MonthField(label="From")
    until = MonthField(label="To")
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


class ReportAdmin(ReadOnly, admin.ModelAdmin):
    """A report of what `choice`, a form, wants, told apart by `groups`, by `first_groups` unless others are asked for.

    `name` is the template's and the file's. `report` makes the lines of what is wanted.
    """

    exports_its_list = False  # but the report
    name: str
    title: str
    choice: Any
    groups: Sequence[str]
    first_groups: Sequence[str]
    report: Callable[..., list[Any]]

    def as_csv(self, lines: Sequence[Any], by: Sequence[str]) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        """The heads of the columns, and a row for each line."""
        raise NotImplementedError

    def more(self) -> dict[str, Any]:
        """What else the page shows."""
        return {}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The report; there is no list of counters behind it."""
        demand(request, VIEW)
        query = self._asked(request.GET)
        form = self.choice(query)
        lines = self.report(form.wanted(), most=MOST_SHOWN + 1) if form.is_valid() else []
        return page(
            request,
            self,
            f"usage/{self.name}.html",
            title=self.title,
            form=form,
            by=self._by(form),
            lines=lines[:MOST_SHOWN],
            most_shown=MOST_SHOWN,
            is_cut=len(lines) > MOST_SHOWN,
            csv_address=f"{reverse(f'admin:{self.opts.app_label}_{self.opts.model_name}_csv')}?{query.urlencode()}",
            **self.more(),
        )

    def change_view(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        raise Http404("A counter has no page.")

    def list_export_view(self, request: HttpRequest) -> HttpResponseBase:
        demand(request, VIEW)
        form = self.choice(self._asked(request.GET))
        if not form.is_valid():
            raise Http404("There is no such report.")
        return csv_file(self.name, *self.as_csv(self.report(form.wanted()), self._by(form)))

    def _by(self, form: forms.Form) -> list[str]:
        return [name for name in self.groups if name in form.cleaned_data.get("by", ())]

    def _asked(self, given: QueryDict) -> QueryDict:
        """What is asked for; the last twelve months where no others are."""
        month = timezone.now().date().replace(day=1)
        first = month.replace(year=month.year - (month.month < MONTHS), month=month.month % MONTHS + 1)
        data = QueryDict(mutable=True)
        data.update({"since": f"{first:%Y-%m}", "until": f"{month:%Y-%m}"})
        data.setlist("by", list(self.first_groups))
        for name in self.choice.base_fields:
            if values := given.getlist(name):
                data.setlist(name, values)
        return data


def cells(group: Any, by: Sequence[str]) -> list[Any]:
    """What a line of a CSV begins with: its group, months as they are asked for."""
    return [f"{group[name]:%Y-%m}" if name == "month" else group[name] for name in by]
