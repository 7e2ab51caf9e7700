"""The staff API's view of money: what messages cost by route, day or month, channel and country."""

from rest_framework.request import Request
from rest_framework.response import Response

from notifications.api import documentation
from notifications.api.reports import Report
from notifications.api.usage_shapes import SpendingLineSerializer, SpendingQuerySerializer
from notifications.selectors.spending_report import GROUPS, Wanted, spending_report


class SpendingReport(Report):
    """What messages cost, the latest first."""

    query, line, groups = SpendingQuerySerializer, SpendingLineSerializer, GROUPS

    @documentation.spending
    def get(self, request: Request) -> Response:
        return self.answer(request, lambda **asked: spending_report(Wanted(**asked)))
