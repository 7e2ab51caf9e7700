"""Admin page of usage: messages, segments and cost by month, kind, channel and country; and the same as CSV."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.core.validators import ProhibitNullCharactersValidator

from notifications.admin.reports import PeriodForm, ReportAdmin, cells
from notifications.models import Usage
from notifications.selectors.usage_report import COUNTS, GROUPS, Line, Wanted, usage_report

MEASURED = ("delivery_rate", "seconds_to_acceptance", "seconds_to_delivery")


class WantedForm(PeriodForm):
    """Which usage, and by what."""

    by = forms.MultipleChoiceField(choices=[(name, name) for name in GROUPS], widget=forms.CheckboxSelectMultiple)
    kind = forms.CharField(max_length=64, required=False, validators=[ProhibitNullCharactersValidator()])
    field_order = ("since", "until", "by", "kind", "channel", "country")

    def wanted(self) -> Wanted:
        return Wanted(**self.cleaned_data)


@admin.register(Usage)
class UsageAdmin(ReportAdmin):
    name, title, choice = "usage", "Usage and cost", WantedForm
    groups, first_groups = GROUPS, ("month", "channel")
    report = staticmethod(usage_report)

    def as_csv(self, lines: Sequence[Line], by: Sequence[str]) -> tuple[Sequence[str], Iterable[Sequence[Any]]]:
        currencies = sorted({currency for line in lines for currency in line.cost})
        header = [*by, *COUNTS, *(f"cost {currency}" for currency in currencies), *MEASURED]
        return header, _rows(lines, by, currencies)


def _rows(lines: Sequence[Line], by: Sequence[str], currencies: Sequence[str]) -> Iterator[list[Any]]:
    for line in lines:
        costs = [line.cost.get(currency, 0) for currency in currencies]
        counts = [line.counts[name] for name in COUNTS]
        measured = (line.delivery_rate, line.seconds_to_acceptance, line.seconds_to_delivery)
        rounded = (value if value is None else round(value, 4) for value in measured)
        yield [*cells(line.group, by), *counts, *costs, *rounded]
