"""The forms that staff fill in: a reason, an address, and which failed messages they mean."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from notifications.models.audit import MOST_REASON
from notifications.selectors.failed_messages import Selection
from notifications.selectors.search import id_in

MOST_IDS = 1_000  # selected one by one; use a filter for more


class ReasonForm(forms.Form):
    """Why it is done. It is kept with the record, for later readers."""

    reason = forms.CharField(
        max_length=MOST_REASON, help_text="Recorded with your name.", widget=forms.TextInput(attrs={"size": 60})
    )


class AddressForm(ReasonForm):
    """The corrected address of a recipient."""

    field_order = ("address", "reason")
    address = forms.CharField(max_length=254, widget=forms.TextInput(attrs={"size": 40, "autocomplete": "off"}))


class RouteForm(ReasonForm):
    """The route that takes all of a channel's messages."""

    field_order = ("route", "reason")
    route = forms.ChoiceField(label="Route")

    def __init__(self, *args: Any, names: Sequence[str], **more: Any) -> None:
        super().__init__(*args, **more)
        choices: Any = self.fields["route"]
        choices.choices = [(name, name) for name in names]


class MomentForm(ReasonForm):
    """When a message is to be sent instead."""

    field_order = ("send_at", "reason")
    send_at = forms.DateTimeField(
        label="Send at",
        help_text="In the time zone of these pages. A moment that has passed means now.",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )


class Ids(forms.Field):
    """Messages' IDs, each given once or more."""

    widget = forms.MultipleHiddenInput

    def clean(self, value: Any) -> tuple[int, ...]:
        texts = value or []
        if len(texts) > MOST_IDS or any(id_in(text) is None for text in texts):
            raise ValidationError(f"IDs must be numbers, and at most {MOST_IDS} of them.")
        return tuple(sorted({int(text) for text in texts}))


class SelectionForm(forms.Form):
    """The filters of a Selection, from a link or a form."""

    ids = Ids(required=False)
    kind = forms.CharField(required=False, max_length=64)
    channel = forms.CharField(required=False, max_length=32)
    error_code = forms.CharField(required=False, max_length=64)
    status = forms.CharField(required=False, max_length=16)
    user = forms.CharField(required=False, max_length=150)
    q = forms.CharField(required=False, max_length=254)
    since = forms.DateTimeField(required=False)
    until = forms.DateTimeField(required=False)
    written_since = forms.DateTimeField(required=False)
    written_until = forms.DateTimeField(required=False)

    def selection(self, *, is_waiting: bool = False) -> Selection:
        """What was chosen, among the failed messages or those that wait; the form must be valid."""
        words = dict(self.cleaned_data)
        search = words.pop("q")
        return Selection(search=search, is_waiting=is_waiting, **words)
