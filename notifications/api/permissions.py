"""Lets in staff who have the permissions that a view needs."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

VIEW = "notifications.view_outboxmessage"
REPLAY = "notifications.replay_outboxmessage"
CANCEL = "notifications.cancel_outboxmessage"
CHANGE_ADDRESS = "notifications.change_recipient_address"
VIEW_CHANNEL = "notifications.view_channelstate"
PAUSE = "notifications.pause_channel"


class StaffWith(BasePermission):
    """Staff who have all permissions in the view's `needs`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        needs: tuple[str, ...] = getattr(view, "needs", (VIEW,))
        user: Any = request.user
        return bool(user.is_active and user.is_staff and user.has_perms(needs))
