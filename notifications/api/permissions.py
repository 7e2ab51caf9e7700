"""Lets in staff who have the permissions that a view needs, with a token that carries them.

OUTBOX_API_AUTHENTICATION names who is known here, as the REST framework's DEFAULT_AUTHENTICATION_CLASSES does, which it
defaults to. A token with a method `carries(permissions)` does no more than that says.
"""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

VIEW = "notifications.view_outboxmessage"
REPLAY = "notifications.replay_outboxmessage"
REPEAT = "notifications.repeat_outboxmessage"
CANCEL = "notifications.cancel_outboxmessage"
SEE_LINKS = "notifications.see_links_outboxmessage"
CHANGE_ADDRESS = "notifications.change_recipient_address"
VIEW_CHANNEL = "notifications.view_channelstate"
VIEW_USAGE = "notifications.view_usage"
PAUSE = "notifications.pause_channel"


class StaffWith(BasePermission):
    """Staff who have all permissions in the view's `needs`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        needs: tuple[str, ...] = getattr(view, "needs", (VIEW,))
        user: Any = request.user
        return bool(user.is_active and user.is_staff and holds(request, *needs))


def holds(request: Request, *permissions: str) -> bool:
    """Whether the user has the permissions, and the token carries them."""
    user: Any = request.user
    carries = getattr(request.auth, "carries", None)
    return (carries is None or carries(permissions)) and bool(user.has_perms(permissions))
