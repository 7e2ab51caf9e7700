"""What the staff API's reports from counters share: what is asked for is checked, and told apart by groups."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from notifications.api.permissions import VIEW_USAGE
from notifications.api.views import StaffView, valid

Lines = Callable[..., Iterable[Any]]


class Report(StaffView):
    """Counters answer, so years cost no more than days."""

    needs = (VIEW_USAGE,)
    query: type[serializers.Serializer]
    line: type[serializers.Serializer]
    groups: Sequence[str]

    def answer(self, request: Request, lines: Lines) -> Response:
        """The lines that `lines` makes of the query. It raises ValueError for a group that there is none of."""
        asked: dict[str, Any] = valid(self.query(data=request.query_params))
        by = asked.pop("by").replace(" ", "").split(",")
        try:
            found = lines(by=by, **asked)
        except ValueError as error:
            raise serializers.ValidationError({"by": [str(error)]}) from None
        results = self.line(found, many=True).data
        return Response({"groups": [name for name in self.groups if name in by], "results": results})
