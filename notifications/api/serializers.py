"""The staff API's requests and answers. Moments are in UTC, and addresses are masked."""

from typing import Any

from django.core.validators import ProhibitNullCharactersValidator
from rest_framework import serializers

from notifications.lifecycle import Status
from notifications.models import ChannelState, OutboxMessage
from notifications.models.audit import MOST_REASON
from notifications.policy.masking import hint
from notifications.selectors.failed_messages import Selection
from notifications.selectors.outgoing import address_of
from notifications.selectors.search import LARGEST_ID

MOST_IDS = 1_000  # named one by one; use a filter for more
STATUSES = [status.value for status in Status]


class TextField(serializers.CharField):
    """A text, as the document says. The framework's own field takes numbers, and would put one on record."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text: str = super().to_internal_value(data)
        return text


def _text(most: int, **more: Any) -> TextField:
    """A text that may be left out."""
    return TextField(
        max_length=most, required=False, allow_blank=True, validators=[ProhibitNullCharactersValidator()], **more
    )


def _id(**more: Any) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=1, max_value=LARGEST_ID, **more)


class ReasonSerializer(serializers.Serializer):
    """Why it is done: kept on record with the caller's name."""

    reason = TextField(max_length=MOST_REASON, validators=[ProhibitNullCharactersValidator()])


class AddressSerializer(ReasonSerializer):
    address = TextField(max_length=254, help_text="a phone number or an email address, as the channel asks")


class RepeatSerializer(ReasonSerializer):
    channel = _text(32, help_text="on which channel; left out: on the same one")


class MomentSerializer(ReasonSerializer):
    send_at = serializers.DateTimeField(help_text="with a time zone; a moment that has passed means now")


class SelectionSerializer(serializers.Serializer):
    """Which failed messages: those that match all given filters. An empty object means all."""

    ids = serializers.ListField(child=_id(), max_length=MOST_IDS, required=False)
    kind = _text(64)
    channel = _text(32)
    error_code = _text(64)
    user = _text(150, help_text="a login name, or a user's ID")
    search = _text(254, help_text="an ID, a reference, a phone number, an email address, a user's name")
    since = serializers.DateTimeField(required=False, help_text="failed at this moment or later")
    until = serializers.DateTimeField(required=False, help_text="failed before this moment")
    written_since = serializers.DateTimeField(required=False)
    written_until = serializers.DateTimeField(required=False)


class NewReplaySerializer(SelectionSerializer):
    dry_run = serializers.BooleanField(default=False, help_text="say what would go out again, and change nothing")
    reason = TextField(
        max_length=MOST_REASON,
        default="",
        allow_blank=True,
        validators=[ProhibitNullCharactersValidator()],
        help_text="needed unless it is a dry run",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs["dry_run"] and not attrs["reason"].strip():
            raise serializers.ValidationError({"reason": ["This field is required."]})
        return attrs

    def selection(self) -> Selection:
        """What was chosen; the serializer must be valid."""
        words = {name: value for name, value in self.validated_data.items() if name not in ("dry_run", "reason")}
        return Selection(**{**words, "ids": tuple(words.get("ids", ()))})


class GroupSerializer(serializers.Serializer):
    count = serializers.IntegerField()
    kind = serializers.CharField()
    channel = serializers.CharField()
    error_code = serializers.CharField()


class PreviewedSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    kind = serializers.CharField()
    channel = serializers.CharField()
    error_code = serializers.CharField()
    failed_at = serializers.DateTimeField()
    recipient = serializers.IntegerField()
    address = serializers.CharField(help_text="masked")


class PreviewSerializer(serializers.Serializer):
    """What would go out again: how many, by kind, channel and error, and the first of them."""

    as_of = serializers.DateTimeField()
    total = serializers.IntegerField()
    groups = GroupSerializer(many=True)
    first = PreviewedSerializer(many=True)


class BulkReplaySerializer(serializers.Serializer):
    """A replay's progress. Until it is finished, `…/continue/` runs the next batches."""

    id = serializers.IntegerField()
    total = serializers.IntegerField(help_text="messages that matched when it began")
    replayed = serializers.IntegerField()
    actor = serializers.CharField()
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    stopped_by = serializers.CharField(help_text="empty unless somebody stopped it")


class MessageSerializer(serializers.ModelSerializer):
    recipient = serializers.IntegerField(source="recipient_id")
    status = serializers.ChoiceField(choices=STATUSES)
    address = serializers.SerializerMethodField(help_text="masked")

    class Meta:
        model = OutboxMessage
        fields = (
            "id",
            "kind",
            "channel",
            "recipient",
            "address",
            "reference",
            "origin",
            "status",
            "attempts",
            "error_code",
            "error_detail",
            "provider_id",
            "receipt",
            "created_at",
            "send_at",
            "next_attempt_at",
            "finished_at",
        )

    def get_address(self, message: OutboxMessage) -> str:
        return hint(address_of(message))


class WaitSerializer(serializers.Serializer):
    code = serializers.CharField(help_text="for programs: behind, retry, paused, broken, due, …")
    words = serializers.CharField()
    message = serializers.IntegerField(allow_null=True)
    channel = serializers.CharField()
    until = serializers.DateTimeField(allow_null=True)


class EventSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    began = serializers.DateTimeField(allow_null=True)
    what = serializers.CharField()
    by = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()
    provider_id = serializers.CharField()


class WordsSerializer(serializers.Serializer):
    parts = serializers.DictField(child=serializers.CharField())
    problem = serializers.CharField(help_text="why it cannot be rendered; empty if it can")


class MessagePageSerializer(serializers.Serializer):
    """One message: its fields, what it waits for, its life, and its text as it would be sent now."""

    message = MessageSerializer()
    waits = WaitSerializer(many=True)
    timeline = EventSerializer(many=True)
    words = WordsSerializer()


class ListQuerySerializer(serializers.Serializer):
    """How the list can be narrowed down."""

    status = serializers.ChoiceField(choices=STATUSES, required=False)
    kind = _text(64)
    channel = _text(32)
    error_code = _text(64)
    search = _text(254, help_text="an ID, a reference, a phone number, an email address, a user's name")
    before = _id(required=False, help_text="only messages with a lower ID: where the last page ended")


class MessageListSerializer(serializers.Serializer):
    """A page, the latest first. `before` leads to the next one; null: there is none.

    Filters that no index serves look through the latest 100,000 messages before `before`; the next page goes on there.
    """

    before = serializers.IntegerField(allow_null=True)
    results = MessageSerializer(many=True)


class ShardQuerySerializer(serializers.Serializer):
    shard = _text(63, help_text="this one alone")


class ShardSerializer(serializers.Serializer):
    name = serializers.CharField()
    board = serializers.CharField(help_text="the address of its own board; empty if it has none")
    wrong = serializers.ListField(child=serializers.CharField(), help_text="a line for each alert; none: all is well")
    is_away = serializers.BooleanField(help_text="its database does not answer, and the figures are null")
    waiting = serializers.IntegerField(allow_null=True, help_text="messages that have not ended")
    oldest_due_seconds = serializers.FloatField(allow_null=True, help_text="null also if nothing is due")
    failed = serializers.IntegerField(allow_null=True, help_text="dead letters")
    relays = serializers.IntegerField(allow_null=True)


class ChannelSerializer(serializers.ModelSerializer):
    class Meta:
        model = ChannelState
        fields = ("name", "paused_at", "paused_by", "pause_reason", "broken_at", "probe_at", "recovered_at")
