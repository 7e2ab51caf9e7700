"""Admin page of money: what messages cost by route, day or month and country; and the same as CSV.

Who may see usage may see it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.core.validators import ProhibitNullCharactersValidator
from django.http import HttpRequest

from notifications.admin.base import may
from notifications.admin.reports import VIEW, PeriodForm, ReportAdmin, cells
from notifications.models import Spending
from notifications.selectors.spending_report import GROUPS, Line, Wanted, spending_report, spent_today

COLUMNS = ("currency", "total", "cost", "priced", "estimated", "estimates")


class SpendingForm(PeriodForm):
    """Which costs, and by what."""

    by = forms.MultipleChoiceField(choices=[(name, name) for name in GROUPS], widget=forms.CheckboxSelectMultiple)
    route = forms.CharField(max_length=32, required=False, validators=[ProhibitNullCharactersValidator()])

    field_order = ("since", "until", "by", "channel", "route", "country")

    def wanted(self) -> Wanted:
        return Wanted(**self.cleaned_data)


@admin.register(Spending)
class SpendingAdmin(ReportAdmin):
    name, title, choice = "money", "Money", SpendingForm
    groups, first_groups = GROUPS, ("month", "channel", "route")
    report = staticmethod(spending_report)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, VIEW)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request, VIEW)

    def as_csv(self, lines: Sequence[Line], by: Sequence[str]) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        return [*by, *COLUMNS], _rows(lines, by)

    def more(self) -> dict[str, Any]:
        return {"spent": spent_today()}


def _rows(lines: Sequence[Line], by: Sequence[str]) -> Iterator[list[Any]]:
    for line in lines:
        yield [*cells(line.group, by), *(getattr(line, name) for name in COLUMNS)]
