"""The staff API's view of usage: messages, segments and cost by month, kind, channel and country."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from notifications.api import documentation
from notifications.api.permissions import VIEW_USAGE
from notifications.api.usage_shapes import UsageLineSerializer, UsageQuerySerializer
from notifications.api.views import StaffView, valid
from notifications.selectors.usage_report import GROUPS, Wanted, usage_report


class UsageReport(StaffView):
    """Usage, the latest month first. Counters answer, so years cost no more than days."""

    needs = (VIEW_USAGE,)

    @documentation.usage
    def get(self, request: Request) -> Response:
        query: dict[str, Any] = valid(UsageQuerySerializer(data=request.query_params))
        by = query.pop("by").replace(" ", "").split(",")
        try:
            lines = usage_report(Wanted(by=by, **query))
        except ValueError as error:
            raise serializers.ValidationError({"by": [str(error)]}) from None
        return Response(
            {"groups": [name for name in GROUPS if name in by], "results": UsageLineSerializer(lines, many=True).data}
        )
