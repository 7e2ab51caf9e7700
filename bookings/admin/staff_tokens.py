"""The page of staff's tokens: make one for oneself, see them, end them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from bookings import bulk_actions
from bookings.admin.sales import ReadOnlyAdmin
from bookings.staff_tokens import SCOPES, StaffToken, make_staff_token, scopes_of
from notifications.admin.bulk_rows import listed
from notifications.admin.forms import ReasonForm
from notifications.operations.record_action import Actor


class StaffTokenForm(ReasonForm):
    """What the new token may do, of what its owner may do."""

    field_order = ("scope", "reason")
    scope = forms.MultipleChoiceField(label="It may", widget=forms.CheckboxSelectMultiple)


@admin.register(StaffToken)
class StaffTokenAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "may", "created_at", "expires_at")
    fields = ("user", "may", "created_at", "expires_at")
    search_fields = ("=user__username",)
    ordering = ("-id",)
    list_select_related = ("user",)
    actions = (listed(bulk_actions.END_STAFF_TOKENS),)

    @admin.display(description="may")
    def may(self, token: StaffToken) -> str:
        return ", ".join(SCOPES.get(permission, permission) for permission in token.scope)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _may(request, "bookings.add_stafftoken")

    @method_decorator(never_cache)
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Make a token for whoever asks, and show it this once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        user: Any = request.user
        form = StaffTokenForm(request.POST or None)
        form.fields["scope"].choices = [(name, SCOPES[name]) for name in scopes_of(user)]  # type: ignore[attr-defined]
        context: dict[str, Any] = {"title": "New staff token", "form": form, "opts": self.opts, "media": self.media}
        if request.method == "POST" and form.is_valid():
            context["token"] = make_staff_token(user, actor=Actor.of(user), **form.cleaned_data)
        frame = self.admin_site.each_context(request)
        return TemplateResponse(request, "admin/bookings/stafftoken/add.html", frame | context)


def _may(request: HttpRequest, permission: str) -> bool:
    user: Any = request.user
    return bool(user.has_perm(permission))
