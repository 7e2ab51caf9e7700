"""Users and groups in the admin: nobody grants what they do not have, and nobody who acted disappears.

Django's own pages let whoever may change users make themselves a superuser, take over a superuser's account by a new
password, and delete a colleague with the log of what they did.
"""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse

from config.factor_resets import RESET_SECOND_FACTORS, may_do_no_more
from notifications.admin.bulk_rows import ActsOnRows, listed
from notifications.admin.changed_fields import ChangedFieldsAdmin, ChangedFieldsForm
from notifications.admin.odd_input import AnswersOddInput
from notifications.models.audit import Verb
from notifications.operations.record_action import Actor, record

BEYOND = "You cannot grant what you may not do yourself: %s."


class UserForm(ChangedFieldsForm, UserChangeForm):
    """A user, as far as whoever asks may change one."""

    class Meta:
        model = User
        fields = "__all__"

    grantor: User

    def clean_groups(self) -> Any:
        groups = self.cleaned_data["groups"]
        added = groups.exclude(pk__in=self.instance.groups.values("pk")) if self.instance.pk else groups
        _check(Permission.objects.filter(group__in=added), grantor=self.grantor)
        return groups

    def clean_user_permissions(self) -> Any:
        chosen = self.cleaned_data["user_permissions"]
        _check(chosen, grantor=self.grantor)
        return chosen


class GroupForm(ChangedFieldsForm):
    """A group, whose permissions its members have: to add one to it is to grant it."""

    class Meta:
        model = Group
        fields = ("name", "permissions")

    grantor: User

    def clean_permissions(self) -> Any:
        chosen = self.cleaned_data["permissions"]
        _check(chosen, grantor=self.grantor)
        return chosen


class _Bounded(AnswersOddInput, ChangedFieldsAdmin):
    """Tells the form who asks, and refuses whatever is beyond their own permissions."""

    def get_form(self, request: HttpRequest, obj: Any = None, **options: Any) -> type[ModelForm]:
        form: Any = super().get_form(request, obj, **options)  # type: ignore[misc]
        form.grantor = request.user
        return form  # type: ignore[no-any-return]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # users are deactivated: what they did must stay theirs; groups lose their members


@admin.register(User)
class StaffUserAdmin(_Bounded, ActsOnRows, UserAdmin):  # type: ignore[misc]
    form = UserForm
    list_display = ("username", "email", "is_staff", "is_superuser", "is_active", "last_login")
    fieldsets = (*(UserAdmin.fieldsets or ()), ("Record", {"fields": ("reason",)}))
    readonly_fields = ("last_login", "date_joined")
    actions = (listed(RESET_SECOND_FACTORS),)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only of users who may do no more: a new password or address is a way into the account."""
        may = bool(super().has_change_permission(request, obj))
        return may and (obj is None or may_do_no_more(obj, than=request.user))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        asker: Any = request.user
        own = () if asker.is_superuser else ("is_superuser",)
        return (*super().get_readonly_fields(request, obj), *own)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        if change:
            super().save_model(request, obj, form, change)
            return
        obj.save()
        record(Verb.ADD, actor=Actor.of(request.user), subject=f"user:{obj.pk}", after={"username": obj.username})

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        answer = super().user_change_password(request, id, form_url)
        if request.method == "POST" and answer.status_code == 302:
            record(Verb.CHANGE, actor=Actor.of(request.user), subject=f"user:{id}", after={"password": "a new one"})
        return answer


@admin.register(Group)
class StaffGroupAdmin(_Bounded, GroupAdmin):  # type: ignore[misc]
    form = GroupForm

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        asker: Any = request.user
        may = bool(super().has_change_permission(request, obj))
        if not may or obj is None or asker.is_superuser:
            return may
        return bool(_words(obj.permissions.all()) <= asker.get_all_permissions())


def _words(permissions: Any) -> set[str]:
    return {f"{each.content_type.app_label}.{each.codename}" for each in permissions.select_related("content_type")}


def _check(permissions: Any, *, grantor: Any) -> None:
    """Raises ValidationError for what the grantor may not do."""
    if not grantor.is_superuser and (beyond := _words(permissions) - grantor.get_all_permissions()):
        raise ValidationError(BEYOND % ", ".join(sorted(beyond)))
