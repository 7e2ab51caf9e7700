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

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.wished = set(cleaned.pop("opt_outs", ()))  # not the row's to write: `apply_opt_outs` does
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
