"""The staff API's view of all shards: figures and alerts, for whoever watches them together."""

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from notifications.api import documentation
from notifications.api import serializers as shapes
from notifications.api.views import StaffView, valid
from notifications.monitoring.shard_states import may_be_seen_here, shard_states


class ShardList(StaffView):
    """Every shard, or the one that `shard` names: those that need somebody most come first.

    Found only at the address of the shard that the operators have (OUTBOX_OPERATORS_SHARD), with a token of its staff.
    What one shard holds is asked for at its own address (`board`), with a token of that shard.
    """

    @documentation.shard_list
    def get(self, request: Request) -> Response:
        only = valid(shapes.ShardQuerySerializer(data=request.query_params)).get("shard", "")
        states = shard_states(only) if may_be_seen_here() else []
        if not states:
            raise Http404
        return Response(shapes.ShardSerializer(states, many=True).data)
