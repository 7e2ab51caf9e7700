"""System checks of what providers can do, and settings ask for."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, register
from django.core.checks import Warning as Caution

from notifications.channels import channel_paths

KNOW_DLT = ("notifications.channels.vonage.VonageSmsChannel",)
OURS = "notifications.channels."


@register(Tags.compatibility)
def registered_wordings_are_sent_along(**_: Any) -> list[CheckMessage]:
    """India's numbers are set only where the provider of SMS takes them: without them carriers there drop an SMS."""
    path = channel_paths().get("sms", "")
    if not getattr(settings, "SMS_DLT_ENTITY_ID", "") or path in KNOW_DLT or not path.startswith(OURS):
        return []
    return [
        Caution(
            f"SMS_DLT_ENTITY_ID is set, and {path.rpartition('.')[2]} does not send it: India drops its SMS.",
            hint="Send SMS to India through Vonage, or leave India out of OUTBOX_ALLOWED_COUNTRIES.",
            id="notifications.W005",
        )
    ]
