"""The forms of the staff door: the login, and the one that enrols a second factor."""

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from config.auth_backends import STAFF_DOOR

MOST_CODE = 20  # characters
CODE = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "size": "20"}
WRONG = _("The name, the password or the code is wrong, or this is no staff account.")


def _code(**more: Any) -> forms.CharField:
    return forms.CharField(max_length=MOST_CODE, widget=forms.TextInput(attrs=CODE), **more)


class StaffLoginForm(AdminAuthenticationForm):
    """Name, password, and the code of who has a second factor: asked for together, so that no answer tells which is
    wrong.
    """

    error_messages = {**AdminAuthenticationForm.error_messages, "invalid_login": WRONG}
    code = _code(required=False, help_text=_("Only if you have a second factor: from your app, or a backup code."))

    def clean(self) -> dict[str, Any]:
        given = {name: self.cleaned_data.get(name) for name in ("username", "password")}
        if all(given.values()):
            code = self.cleaned_data.get("code") or ""
            self.user_cache = authenticate(self.request, **given, door=STAFF_DOOR, code=code)
            if self.user_cache is None:
                raise self.get_invalid_login_error()
            self.confirm_login_allowed(self.user_cache)
        return self.cleaned_data


class SecondFactorForm(forms.Form):
    """The password again, so that an open session is not enough, and a code of the app."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    code = _code(label=_("Code from your app"))

    def __init__(self, *args: Any, request: HttpRequest, user: User, device: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.user, self.device = request, user, device

    def clean(self) -> dict[str, Any]:
        """As at the login: failures count there, and lock after a few."""
        password, code = self.cleaned_data.get("password"), self.cleaned_data.get("code")
        if password and code:
            name = self.user.get_username()
            found = authenticate(self.request, username=name, password=password, door=STAFF_DOOR, code=code)
            if found != self.user or (self.device and not self._is_right(code)):
                raise forms.ValidationError(_("The password or the code is wrong."))
        return self.cleaned_data

    def _is_right(self, code: str) -> bool:
        return bool(self.device.verify_token(code.replace(" ", "")))
