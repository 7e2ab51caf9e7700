"""Admin forms that write only the fields that the user changed.

Django's own forms write every field as it was when the page was opened, and so undo what happened since. Here the row
is locked first. A field that the user did not touch keeps its present value. A field that was changed in the form and,
meanwhile, in the row is a conflict: it is shown and not written. Each write is recorded, with a reason.
"""

from typing import Any

from django import forms
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from notifications.admin.list_export import ListExport
from notifications.admin.offered_filters import OfferedFilters
from notifications.models.audit import MOST_REASON, Verb
from notifications.operations.bulk_rows import plain
from notifications.operations.record_action import Actor, record

CONFLICT = "This was changed while the page was open: it is now %s. Reload the page and look again."


class ChangedFieldsForm(forms.ModelForm):
    """Knows what was shown, by hidden fields, and what the row says now, by its instance."""

    merged: tuple[str, ...] = ()  # fields whose changes are differences, which conflict with nothing
    reason = forms.CharField(
        max_length=MOST_REASON,
        required=False,
        help_text="Why it is changed: kept on record with your name.",
        widget=forms.TextInput(attrs={"size": 60}),
    )

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        self.before: dict[str, Any] = {}
        self.after: dict[str, Any] = {}
        if self.instance.pk is not None:
            for name in self._of_the_row():
                self.fields[name].show_hidden_initial = True

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        changed = [name for name in self._of_the_row() if name in self.changed_data]
        if changed and not cleaned.get("reason"):
            self.add_error("reason", "Say why.")
        if self.instance.pk is not None:
            self._compare(cleaned)
        self.after = {name: _plain(cleaned[name]) for name in changed if name in cleaned}
        return cleaned

    def _compare(self, cleaned: dict[str, Any]) -> None:
        """Give every field that nobody touched what the row says now, and find conflicts in the others."""
        for name in set(self._of_the_row()) & set(cleaned) - set(self.merged):
            now = _value(self.instance, name)
            if name not in self.changed_data:
                cleaned[name] = now
                continue
            self.before[name] = _plain(now)
            if cleaned[name] != now and self.is_changed_since(name):
                self.add_error(name, CONFLICT % ("empty" if now in (None, "") else now))

    def _of_the_row(self) -> list[str]:
        """The form's fields that are the model's."""
        columns = {field.name for field in self._meta.model._meta.get_fields()}
        return [name for name in self.fields if name in columns]

    def shown(self, name: str) -> Any:
        """What the page had shown, as the browser sends it back."""
        widget = self.fields[name].hidden_widget()
        return widget.value_from_datadict(self.data, self.files, self.add_initial_prefix(name))

    def is_changed_since(self, name: str) -> bool:
        """Whether the row says something else now than the page had shown."""
        field = self.fields[name]
        return bool(field.has_changed(self.get_initial_for_field(field, name), self.shown(name)))


class ChangedFieldsAdmin(ListExport, OfferedFilters):
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
        if change:
            columns = {field.name for field in obj._meta.concrete_fields}
            obj.save(update_fields=[name for name in form.changed_data if name in columns and name not in form.merged])
        else:
            super().save_model(request, obj, form, change)  # type: ignore[misc]
        if form.after:
            record(
                Verb.CHANGE if change else Verb.ADD,
                actor=Actor.of(request.user),
                reason=form.cleaned_data["reason"],
                subject=f"{obj._meta.model_name}:{obj.pk}",
                before=form.before if change else None,
                after=form.after,
                using=obj._state.db or DEFAULT_DB_ALIAS,
            )


class RecordsDeletions:
    """Keeps what a deleted row said, and who deleted it; for lists, see `bulk_rows.deletion`. Use before ModelAdmin."""

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        subject = f"{obj._meta.model_name}:{obj.pk}"
        record(Verb.DELETE, actor=Actor.of(request.user), subject=subject, before=plain(obj))
        super().delete_model(request, obj)  # type: ignore[misc]


def _value(row: Model, name: str) -> Any:
    """What the row says; of a relation to many, all of them."""
    value = getattr(row, name)
    return value.all() if hasattr(value, "all") else value


def _plain(value: Any) -> Any:
    """As the record's JSON can hold it: related rows by their keys."""
    if isinstance(value, QuerySet):
        return sorted(value.values_list("pk", flat=True))
    return value.pk if isinstance(value, Model) else value
