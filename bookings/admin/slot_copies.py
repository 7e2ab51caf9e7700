"""What the action that copies slots asks: until when, and whether customers see the copies at once."""

from django import forms
from django.contrib.admin.widgets import AdminDateWidget

from notifications.admin.forms import ReasonForm


class SeriesForm(ReasonForm):
    """Until when slots are copied, week by week."""

    field_order = ("until", "is_published", "reason")
    until = forms.DateField(
        label="Until", widget=AdminDateWidget, help_text="the last day on which a copy may start; one copy a week"
    )
    is_published = forms.BooleanField(
        label="Publish the copies", required=False, help_text="otherwise they are hidden until you publish them"
    )
