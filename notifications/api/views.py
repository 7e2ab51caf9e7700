"""The staff API's views about messages and replays: parse, call the function that does it, answer."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils.module_loading import import_string
from rest_framework.authentication import BaseAuthentication
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, ValidationError
from rest_framework.views import APIView

from notifications import conf
from notifications.api import documentation
from notifications.api import serializers as shapes
from notifications.api.errors import NoAddress, NotFailed, NotScheduled, NotWaiting, Refused
from notifications.api.permissions import CANCEL, CHANGE_ADDRESS, REPEAT, REPLAY, SEE_LINKS, VIEW, StaffWith, holds
from notifications.errors import InvalidContact, NotSentAgain
from notifications.lifecycle import Status
from notifications.models import OutboxMessage
from notifications.models.audit import BulkReplay, Verb
from notifications.operations import bulk_replay
from notifications.operations.correct_address import correct_address
from notifications.operations.record_action import Actor
from notifications.operations.replay import cancel, replay
from notifications.operations.reschedule import reschedule
from notifications.operations.send_again import send_again
from notifications.selectors import search
from notifications.selectors.failed_messages import UnknownUser, preview_replay
from notifications.selectors.outgoing import address_field_of, words_of
from notifications.selectors.timeline import timeline_of
from notifications.selectors.waits import waits_of

PAGE = 50
SECONDS = 1.0  # of work per request, so that no proxy ends it


class StaffView(APIView):
    """Open to staff with the permissions in `needs`."""

    permission_classes = (StaffWith,)
    needs: tuple[str, ...] = (VIEW,)

    def get_authenticators(self) -> list[BaseAuthentication]:
        names = conf.api_authentication()
        return [import_string(name)() for name in names] if names else super().get_authenticators()


class MessageList(StaffView):
    """Messages, the latest first. Search and filters never scan the table."""

    @documentation.message_list
    def get(self, request: Request) -> Response:
        query = valid(shapes.ListQuerySerializer(data=request.query_params))
        words = {word: query[word] for word in ("status", "kind", "channel", "error_code") if query.get(word)}
        before = query.get("before")
        rows = OutboxMessage.objects.filter(**words, **({"pk__lt": before} if before else {}))
        is_failed = query.get("status") == Status.FAILED
        found, window = search.narrow(rows, query.get("search", ""), is_failed=is_failed, before=before)
        page = list(found.select_related("recipient").order_by("-pk")[: PAGE + 1])
        further = page[PAGE - 1].pk if len(page) > PAGE else None
        if further is None and window and window.low > 1:
            further = window.low
        return Response({"before": further, "results": shapes.MessageSerializer(page[:PAGE], many=True).data})


class MessageDetail(StaffView):
    """One message with its life and what it waits for."""

    @documentation.message
    def get(self, request: Request, pk: int) -> Response:
        return shown(request, pk)


class MessageReplay(StaffView):
    """Send a failed message again: it goes next in its lane."""

    needs = (VIEW, REPLAY)

    @documentation.replay
    def post(self, request: Request, pk: int) -> Response:
        why = valid(shapes.ReasonSerializer(data=request.data))
        existing(pk)
        if not replay([pk], actor=Actor.of(request.user), **why):
            raise NotFailed
        return shown(request, pk)


class MessageCancel(StaffView):
    """Cancel a waiting message."""

    needs = (VIEW, CANCEL)

    @documentation.cancel
    def post(self, request: Request, pk: int) -> Response:
        why = valid(shapes.ReasonSerializer(data=request.data))
        existing(pk)
        if not cancel([pk], actor=Actor.of(request.user), **why):
            raise NotWaiting
        return shown(request, pk)


class MessageAgain(StaffView):
    """Send a message that went out once more: a new message. The answer shows the new one."""

    needs = (VIEW, REPEAT)

    @documentation.again
    def post(self, request: Request, pk: int) -> Response:
        wish = valid(shapes.RepeatSerializer(data=request.data))
        existing(pk)
        try:
            repeat = send_again(pk, actor=Actor.of(request.user), **wish)
        except NotSentAgain as refused:
            raise Refused.of(refused) from None
        return Response(shown(request, repeat.pk).data, status=201)


class MessageMove(StaffView):
    """Have a message that waits for its moment sent at another one."""

    needs = (VIEW, CANCEL)

    @documentation.move
    def post(self, request: Request, pk: int) -> Response:
        change = valid(shapes.MomentSerializer(data=request.data))
        existing(pk)
        if not reschedule([pk], actor=Actor.of(request.user), **change):
            raise NotScheduled
        return shown(request, pk)


class MessageAddress(StaffView):
    """Correct the address that a message goes to, and replay the message if it failed, in one transaction."""

    needs = (VIEW, CHANGE_ADDRESS, REPLAY)

    @documentation.address
    def post(self, request: Request, pk: int) -> Response:
        change = valid(shapes.AddressSerializer(data=request.data))
        message = existing(pk)
        field = address_field_of(message)
        if not field:
            raise NoAddress
        try:
            correct_address(message.recipient_id, field=field, actor=Actor.of(request.user), replaying=[pk], **change)
        except InvalidContact as error:
            raise ValidationError({"address": error.errors.get(field, [str(error)])}) from None
        return shown(request, pk)


REPLAYS = BulkReplay.objects.filter(action=Verb.REPLAY.value)


class ReplayCreate(StaffView):
    """Replay all failed messages that match. With `dry_run`, say what would go out again, and change nothing."""

    needs = (VIEW, REPLAY)

    @documentation.bulk_replay
    def post(self, request: Request) -> Response:
        wish = shapes.NewReplaySerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        selection = wish.selection()
        try:
            seen = preview_replay(selection)
        except UnknownUser as error:
            raise ValidationError({"user": [str(error)]}) from None
        if wish.validated_data["dry_run"]:
            return Response(shapes.PreviewSerializer(seen).data)
        reason = wish.validated_data["reason"]
        begun = bulk_replay.start(selection, seen, actor=Actor.of(request.user), reason=reason)
        return Response(shapes.BulkReplaySerializer(bulk_replay.work(begun.pk, seconds=SECONDS)).data, status=201)


class ReplayDetail(StaffView):
    """A bulk replay's progress."""

    needs = (VIEW, REPLAY)

    @documentation.bulk_replay_state
    def get(self, request: Request, pk: int) -> Response:
        return Response(shapes.BulkReplaySerializer(get_object_or_404(REPLAYS.all(), pk=pk)).data)


class ReplayContinue(StaffView):
    """Replay the next batches, for about a second."""

    needs = (VIEW, REPLAY)

    @documentation.bulk_replay_drive
    def post(self, request: Request, pk: int) -> Response:
        get_object_or_404(REPLAYS.all(), pk=pk)
        return Response(shapes.BulkReplaySerializer(bulk_replay.work(pk, seconds=SECONDS)).data)


class ReplayStop(StaffView):
    """Stop a bulk replay. Messages already replayed stay replayed."""

    needs = (VIEW, REPLAY)

    @documentation.bulk_replay_drive
    def post(self, request: Request, pk: int) -> Response:
        bulk_replay.stop(get_object_or_404(REPLAYS.all(), pk=pk).pk, actor=Actor.of(request.user))
        return Response(shapes.BulkReplaySerializer(BulkReplay.objects.get(pk=pk)).data)


def valid(serializer: BaseSerializer) -> dict[str, Any]:
    """What the serializer read; raises ValidationError."""
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def existing(pk: int) -> OutboxMessage:
    """The message with this ID; raises Http404."""
    rows: QuerySet[OutboxMessage] = OutboxMessage.objects.select_related("recipient")
    message = rows.filter(pk=pk).first()
    if message is None:
        raise Http404
    return message


def shown(request: Request, pk: int) -> Response:
    """The page of one message."""
    message = existing(pk)
    page = {
        "message": message,
        "waits": waits_of(message),
        "timeline": timeline_of(message),
        "words": words_of(message, shows_links=holds(request, SEE_LINKS)),
    }
    return Response(shapes.MessagePageSerializer(page).data)
