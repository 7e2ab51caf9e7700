"""Admin forms that answer with an error of the form where the database refuses a row, never with a 500.

A form checks first; what it cannot check (another request was quicker) the database's constraints refuse.
"""

from typing import Any

from django.contrib import admin, messages
from django.db import DatabaseError, DataError, IntegrityError
from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


class AnswersConflicts(admin.ModelAdmin):
    """For the bases of an admin, before every other."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except (IntegrityError, DataError) as error:
            request.conflict = self._words(error)  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(
        self,
        request: HttpRequest,
        obj: Model | None = None,
        change: bool = False,  # noqa: FBT001, FBT002  (theirs)
        **kwargs: Any,
    ) -> type[ModelForm]:
        form: type[ModelForm] = super().get_form(request, obj, change=change, **kwargs)
        return _refusing(form, request.conflict) if hasattr(request, "conflict") else form

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except IntegrityError:  # booked meanwhile
            self.message_user(request, "Other rows refer to it: it cannot be deleted.", messages.ERROR)
            return redirect(request.path)

    def _words(self, error: DatabaseError) -> str:
        """What the constraint that refused the row says, or the database."""
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
        for constraint in self.model._meta.constraints:
            if constraint.name == name:
                return str(constraint.get_violation_error_message())
        return f"The database does not take it{f': {name}' if name else ''}."


def _refusing(form: type[ModelForm], words: str) -> type[ModelForm]:
    """`form`, with an error of its own besides those that it finds."""

    class Refusing(form):  # type: ignore[misc, valid-type]
        def clean(self) -> Any:
            cleaned = super().clean()
            self.add_error(None, words)
            return cleaned

    return Refusing
