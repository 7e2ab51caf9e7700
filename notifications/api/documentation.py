"""Describes the staff API for OpenAPI: requests with an example, answers, and errors by their codes."""

from http import HTTPStatus
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.exceptions import APIException

from notifications.api import serializers as shapes
from notifications.api.errors import NoAddress, NotFailed, NotScheduled, NotWaiting, Refused
from notifications.api.usage_shapes import (
    SpendingQuerySerializer,
    SpendingSerializer,
    UsageQuerySerializer,
    UsageSerializer,
)

PROBLEM = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {"type": "object"},
    },
    "required": ["type", "title", "status", "code", "detail"],
}
TAGS = ["staff"]


def _errors(status: int, **codes: str) -> dict[tuple[int, str], OpenApiResponse]:
    examples = [
        OpenApiExample(
            code,
            value={
                "type": "about:blank",
                "title": HTTPStatus(status).phrase,
                "status": status,
                "code": code,
                "detail": detail,
            },
            response_only=True,
        )
        for code, detail in codes.items()
    ]
    described = OpenApiResponse(
        PROBLEM, description="A problem (RFC 9457); its `code` never changes", examples=examples
    )
    return {(status, "application/problem+json"): described}


def _conflict(error: type[APIException]) -> dict[tuple[int, str], OpenApiResponse]:
    return _errors(409, **{str(error.default_code): str(error.default_detail)})


def _asking(name: str, **body: Any) -> list[OpenApiExample]:
    return [OpenApiExample(name, value=body, request_only=True)]


def _invalid(*fields: str) -> dict[tuple[int, str], OpenApiResponse]:
    return _errors(400, invalid_input=f"Some fields are missing or wrong: {', '.join(fields)}.")


NO_MESSAGE = _errors(404, not_found="No OutboxMessage matches the given query.")
NO_REPLAY = _errors(404, not_found="No BulkReplay matches the given query.")
NO_CHANNEL = _errors(404, not_found="No such channel is configured.")
WHY = _asking("why", reason="the carrier's outage is over")

shard_list = extend_schema(
    operation_id="staff_outbox_shards_list",
    tags=TAGS,
    parameters=[shapes.ShardQuerySerializer],
    responses={
        200: shapes.ShardSerializer(many=True),
        **_invalid("shard"),
        **_errors(404, not_found="There is no such shard, or not all are seen from here."),
    },
)
message_list = extend_schema(
    operation_id="staff_outbox_messages_list",
    tags=TAGS,
    parameters=[shapes.ListQuerySerializer],
    responses={200: shapes.MessageListSerializer, **_invalid("status")},
)
message = extend_schema(tags=TAGS, responses={200: shapes.MessagePageSerializer, **NO_MESSAGE})
replay = extend_schema(
    tags=TAGS,
    request=shapes.ReasonSerializer,
    examples=WHY,
    responses={200: shapes.MessagePageSerializer, **_invalid("reason"), **NO_MESSAGE, **_conflict(NotFailed)},
)
cancel = extend_schema(
    tags=TAGS,
    request=shapes.ReasonSerializer,
    examples=_asking("why", reason="the event was called off"),
    responses={200: shapes.MessagePageSerializer, **_invalid("reason"), **NO_MESSAGE, **_conflict(NotWaiting)},
)
again = extend_schema(
    tags=TAGS,
    request=shapes.RepeatSerializer,
    examples=_asking("by email instead", channel="email", reason="the customer lost their phone"),
    responses={201: shapes.MessagePageSerializer, **_invalid("reason"), **NO_MESSAGE, **_conflict(Refused)},
)
move = extend_schema(
    tags=TAGS,
    request=shapes.MomentSerializer,
    examples=_asking("an hour later", send_at="2030-05-01T10:00:00Z", reason="the event starts later"),
    responses={200: shapes.MessagePageSerializer, **_invalid("send_at"), **NO_MESSAGE, **_conflict(NotScheduled)},
)
address = extend_schema(
    tags=TAGS,
    request=shapes.AddressSerializer,
    examples=_asking("a number with a digit missing", address="+4930901820", reason="the customer called"),
    responses={200: shapes.MessagePageSerializer, **_invalid("address"), **NO_MESSAGE, **_conflict(NoAddress)},
)
bulk_replay = extend_schema(
    tags=TAGS,
    request=shapes.NewReplaySerializer,
    examples=[
        *_asking("what would go out again", channel="sms", error_code="twilio_30008", dry_run=True),
        *_asking("replay it", channel="sms", error_code="twilio_30008", reason="the carrier's outage is over"),
    ],
    responses={
        200: OpenApiResponse(shapes.PreviewSerializer, description="A dry run: what would go out again"),
        201: shapes.BulkReplaySerializer,
        **_invalid("reason"),
    },
)
bulk_replay_state = extend_schema(tags=TAGS, responses={200: shapes.BulkReplaySerializer, **NO_REPLAY})
bulk_replay_drive = extend_schema(tags=TAGS, request=None, responses={200: shapes.BulkReplaySerializer, **NO_REPLAY})
usage = extend_schema(
    tags=TAGS,
    parameters=[UsageQuerySerializer],
    responses={200: UsageSerializer, **_invalid("since")},
)
spending = extend_schema(
    tags=TAGS,
    parameters=[SpendingQuerySerializer],
    responses={200: SpendingSerializer, **_invalid("since")},
)
channel_list = extend_schema(tags=TAGS, responses=shapes.ChannelSerializer(many=True))
switch = extend_schema(
    tags=TAGS,
    request=shapes.ReasonSerializer,
    examples=WHY,
    responses={200: shapes.ChannelSerializer, **_invalid("reason"), **NO_CHANNEL},
)
