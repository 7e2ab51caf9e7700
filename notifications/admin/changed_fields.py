"""Admin forms that write only the fields that the user changed.

Django's write every field of the row as it was when the page was opened, and so undo whatever happened since. Here the
row is locked first. A field that nobody touched keeps the value that it has now; one that was changed both in the form
and meanwhile in the row is a conflict, which is shown and not written.
"""

from typing import Any

from django import forms
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.models import Model, QuerySet
from django.http import HttpRequest

CONFLICT = "This was changed while the page was open: it is now %s. Reload the page and look again."


class ChangedFieldsForm(forms.ModelForm):
    """Knows what was shown, by hidden fields, and what the row says now, by its instance."""

    merged: tuple[str, ...] = ()  # fields whose changes are differences, which conflict with nothing

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        if self.instance.pk is not None:
            for field in self.fields.values():
                field.show_hidden_initial = True

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk is None:
            return cleaned
        for name in set(self._meta.fields or ()) & set(cleaned) - set(self.merged):
            now = getattr(self.instance, name)
            if name not in self.changed_data:
                cleaned[name] = now
            elif cleaned[name] != now and self.is_changed_since(name):
                self.add_error(name, CONFLICT % ("empty" if now in (None, "") else now))
        return cleaned

    def shown(self, name: str) -> Any:
        """What the page had shown, as the browser sends it back."""
        widget = self.fields[name].hidden_widget()
        return widget.value_from_datadict(self.data, self.files, self.add_initial_prefix(name))

    def is_changed_since(self, name: str) -> bool:
        """Whether the row says something else now than the page had shown."""
        field = self.fields[name]
        return bool(field.has_changed(self.get_initial_for_field(field, name), self.shown(name)))


class ChangedFieldsAdmin:
    """Locks the row before its form is read, and writes the changed fields alone. Use before ModelAdmin."""

    form = ChangedFieldsForm

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Model | None:
        """The row; for a form that is sent, locked until its transaction ends."""
        found: Model | None = super().get_object(request, object_id, from_field)  # type: ignore[misc]
        using = router.db_for_write(type(found)) if found else DEFAULT_DB_ALIAS
        if found is None or request.method != "POST" or not connections[using].in_atomic_block:
            return found
        rows: QuerySet[Model] = type(found)._default_manager.using(using)
        return rows.select_for_update(no_key=True).filter(pk=found.pk).first()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        if not change:
            super().save_model(request, obj, form, change)  # type: ignore[misc]
            return
        columns = {field.name for field in obj._meta.concrete_fields}
        obj.save(update_fields=[name for name in form.changed_data if name in columns and name not in form.merged])
