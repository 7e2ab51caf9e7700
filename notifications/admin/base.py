"""What all pages of the outbox share: rows that only the protocol writes, permissions, and the frame of a page."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

REPLAY = "notifications.replay_outboxmessage"
CANCEL = "notifications.cancel_outboxmessage"
CHANGE_ADDRESS = "notifications.change_recipient_address"
PAUSE = "notifications.pause_channel"
COMMAND = "notifications.command_relay"


class ReadOnly:
    """Rows that only the protocol writes: looked at here, never added, changed or deleted."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def may(request: HttpRequest, permission: str) -> bool:
    """Whether whoever asks has `permission`."""
    user: Any = request.user
    return bool(user.has_perm(permission))


def demand(request: HttpRequest, *permissions: str) -> None:
    """Raises PermissionDenied unless whoever asks has all `permissions`."""
    if not all(may(request, permission) for permission in permissions):
        raise PermissionDenied


def page(
    request: HttpRequest, model_admin: admin.ModelAdmin, template: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    """A page of ours within the admin's frame."""
    frame = {**model_admin.admin_site.each_context(request), "opts": model_admin.opts, "media": model_admin.media}
    return TemplateResponse(request, f"admin/notifications/{template}", {**frame, **context}, status=status)
