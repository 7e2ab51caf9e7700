"""Lists in the admin whose address or form holds what no row can have: staff are told so, and get the whole list.

Django's lists raise for a number that no column holds, and for a chosen row that is none.
"""

from typing import Any

from django.contrib import messages
from django.contrib.admin import helpers
from django.core.exceptions import ValidationError
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _


class AnswersOddInput:
    """For the bases of an admin, before every other."""

    model: Any

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not all(map(self._is_key, request.POST.getlist(helpers.ACTION_CHECKBOX_NAME))):
            return _refused(request)
        try:
            answer: HttpResponse = super().changelist_view(request, extra_context)  # type: ignore[misc]
        except (DataError, OverflowError):
            return _refused(request)
        return answer

    def _is_key(self, text: str) -> bool:
        try:
            self.model._meta.pk.to_python(text)
        except ValidationError:
            return False
        return "\x00" not in text


def _refused(request: HttpRequest) -> HttpResponse:
    messages.error(request, _("There are no rows like that. This is the whole list."))
    return redirect(request.path)
