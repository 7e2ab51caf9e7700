"""The staff API's views about channels: their state, pausing and resuming."""

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from notifications.api import documentation
from notifications.api import serializers as shapes
from notifications.api.permissions import PAUSE, VIEW_CHANNEL
from notifications.api.views import StaffView, valid
from notifications.channels import channel_names
from notifications.models import ChannelState
from notifications.operations import pause_channel
from notifications.operations.record_action import Actor


class ChannelList(StaffView):
    """Every configured channel: open, paused (by whom and why), or out of service (since when)."""

    needs = (VIEW_CHANNEL,)

    @documentation.channel_list
    def get(self, request: Request) -> Response:
        known = {channel.name: channel for channel in ChannelState.objects.all()}
        states = [known.get(name) or ChannelState(name=name) for name in channel_names()]
        return Response(shapes.ChannelSerializer(states, many=True).data)


class ChannelPause(StaffView):
    """Pause a channel for all relays, within a second. If it is already paused, nothing changes."""

    needs = (VIEW_CHANNEL, PAUSE)

    @documentation.switch
    def post(self, request: Request, name: str) -> Response:
        why = valid(shapes.ReasonSerializer(data=request.data))
        pause_channel.pause(configured(name), actor=Actor.of(request.user), **why)
        return shown(name)


class ChannelResume(StaffView):
    """Resume a channel. Of one that is not paused, nothing changes."""

    needs = (VIEW_CHANNEL, PAUSE)

    @documentation.switch
    def post(self, request: Request, name: str) -> Response:
        why = valid(shapes.ReasonSerializer(data=request.data))
        pause_channel.resume(configured(name), actor=Actor.of(request.user), **why)
        return shown(name)


def configured(name: str) -> str:
    """`name`, if such a channel is configured. Raises Http404."""
    if name not in channel_names():
        raise Http404
    return name


def shown(name: str) -> Response:
    """The channel's state."""
    channel = ChannelState.objects.filter(name=name).first() or ChannelState(name=name)
    return Response(shapes.ChannelSerializer(channel).data)
