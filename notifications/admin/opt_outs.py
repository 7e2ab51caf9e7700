"""A recipient's opt-outs in the admin: shown with their history, and changed by staff on the person's behalf."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from notifications.admin.changed_fields import ChangedFieldsForm
from notifications.channels import channel_names
from notifications.kinds import Purpose
from notifications.models import ConsentRecord, Recipient
from notifications.policy.consent import opt_out_key
from notifications.recipients import opt_outs
from notifications.recipients.contact_fields import checked

MOST_TYPED = 32  # characters of a phone number


def _choices() -> list[tuple[str, str]]:
    """Everything that a recipient can opt out of: each channel, and each purpose on it."""
    return [
        choice
        for channel in channel_names()
        for choice in (
            (opt_out_key(channel), f"nothing by {channel}"),
            *((opt_out_key(channel, purpose), f"no {purpose} messages by {channel}") for purpose in Purpose),
        )
    ]


class RecipientForm(ChangedFieldsForm):
    """Refusals as boxes to tick. What is written is the difference to what was shown: a STOP that came since stays."""

    merged = ("opt_outs",)
    opt_outs = forms.MultipleChoiceField(
        choices=_choices, required=False, widget=forms.CheckboxSelectMultiple, label="Does not want"
    )

    class Meta:
        model = Recipient
        fields = ("user", "phone", "email", "locale", "time_zone", "opt_outs")

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        if phone := self.fields.get("phone"):  # as people write it, which is longer than what is stored
            self.fields["phone"] = forms.CharField(
                max_length=MOST_TYPED, required=False, label=phone.label, help_text=phone.help_text
            )

    def clean_phone(self) -> str:
        return self._checked("phone")

    def clean_email(self) -> str:
        return self._checked("email")

    def clean_locale(self) -> str:
        return self._checked("locale")

    def clean_time_zone(self) -> str:
        return self._checked("time_zone")

    def _checked(self, word: str) -> str:
        """As in the profile; a value that nobody touched stays, and does not keep the rest from being saved."""
        value = self.cleaned_data[word]
        return str(checked(word, value) if word in self.changed_data else value)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.wished = set(cleaned.pop("opt_outs", ()))  # not the row's to write: `apply_opt_outs` does
        if "opt_outs" in self.after:
            self.before["opt_outs"], self.after["opt_outs"] = sorted(self.shown("opt_outs")), sorted(self.wished)
        return cleaned

    def apply_opt_outs(self, recipient: Recipient, *, actor: str, using: str) -> None:
        """Change the refusals that were ticked or unticked; each change is on record as made by staff."""
        for word in set(self.shown("opt_outs")) ^ self.wished:
            channel, _, purpose = word.partition(":")
            change = opt_outs.opt_out if word in self.wished else opt_outs.opt_in
            facts: dict[str, Any] = {"channel": channel, "purpose": Purpose(purpose) if purpose else None}
            change(recipient, **facts, how=opt_outs.How.STAFF, actor=actor, using=using)


class ConsentInline(admin.TabularInline):
    model = ConsentRecord
    verbose_name_plural = "consent records"
    fields = ("changed_at", "channel", "purpose", "is_opt_in", "how", "actor")
    readonly_fields = fields
    ordering = ("-changed_at",)
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
