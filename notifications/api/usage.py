"""The staff API's view of usage: messages, segments and cost by month, kind, channel and country."""

from rest_framework.request import Request
from rest_framework.response import Response

from notifications.api import documentation
from notifications.api.reports import Report
from notifications.api.usage_shapes import UsageLineSerializer, UsageQuerySerializer
from notifications.selectors.usage_report import GROUPS, Wanted, usage_report


class UsageReport(Report):
    """Usage, the latest month first."""

    query, line, groups = UsageQuerySerializer, UsageLineSerializer, GROUPS

    @documentation.usage
    def get(self, request: Request) -> Response:
        return self.answer(request, lambda **asked: usage_report(Wanted(**asked)))
