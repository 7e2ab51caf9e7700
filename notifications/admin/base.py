"""What the admin pages share: read-only rows, permission checks, and the frame of a page."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from notifications.admin.list_export import ListExport
from notifications.admin.odd_input import AnswersOddInput
from notifications.admin.offered_filters import OfferedFilters

REPLAY = "notifications.replay_outboxmessage"
CANCEL = "notifications.cancel_outboxmessage"
REPEAT = "notifications.repeat_outboxmessage"
SEE_LINKS = "notifications.see_links_outboxmessage"
CHANGE_ADDRESS = "notifications.change_recipient_address"
PAUSE = "notifications.pause_channel"
MOVE = "notifications.move_channel"
COMMAND = "notifications.command_relay"


class ReadOnly(AnswersOddInput, ListExport, OfferedFilters):
    """Read-only: only the protocol adds, changes or deletes these rows."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def may(request: HttpRequest, permission: str) -> bool:
    """Whether the user has `permission`."""
    user: Any = request.user
    return bool(user.has_perm(permission))


def sees_addresses(request: HttpRequest) -> bool:
    """Recipients' pages show whole addresses, and to correct one is to see it; to others a hint is enough."""
    return may(request, "notifications.view_recipient") or may(request, CHANGE_ADDRESS)


def sees_links(request: HttpRequest) -> bool:
    """Whether the user may see the links in messages: some open what is their reader's, without a login."""
    return may(request, SEE_LINKS)


def demand(request: HttpRequest, *permissions: str) -> None:
    """Raises PermissionDenied unless the user has all `permissions`."""
    if not all(may(request, permission) for permission in permissions):
        raise PermissionDenied


def page(
    request: HttpRequest, model_admin: admin.ModelAdmin, template: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    """One of our pages, in the admin's frame."""
    frame = {**model_admin.admin_site.each_context(request), "opts": model_admin.opts, "media": model_admin.media}
    return TemplateResponse(request, f"admin/notifications/{template}", {**frame, **context}, status=status)
