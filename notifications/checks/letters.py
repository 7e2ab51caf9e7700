"""System checks of what goes with messages: files, senders, addresses for replies."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from notifications import conf, kinds
from notifications.channels import channel_names, needs_of
from notifications.channels.email_sender_check import checked_sender
from notifications.content.rendering import template_problems
from notifications.policy.attachment import Attachment
from notifications.policy.email_addresses import Unusable, mailbox


@register(Tags.compatibility)
def files_can_be_carried(**_: Any) -> list[CheckMessage]:
    """Every kind's attachments have a channel that takes them, and the template that they name."""
    return [
        Error(f"The kind {kind.name!r} has the attachment {attachment.name!r}: {problem}.", id="notifications.E021")
        for kind in map(kinds.get, kinds.names())
        for attachment in kind.attachments
        for problem in (
            *_too_many(kind, attachment),
            *(template_problems(kind.name, attachment.template) if attachment.template else ()),
        )
    ]


def _too_many(kind: kinds.Kind, attachment: Attachment) -> Iterator[str]:
    """A channel that is not configured is another check's error."""
    for channel in attachment.channels:
        needs = needs_of(channel) if channel in channel_names() else None
        place = [each for each in kind.attachments if channel in each.channels].index(attachment)
        if needs is not None and place >= needs.most_files:
            yield f"the channel {channel!r} takes {needs.most_files or 'no'} files"


@register(Tags.compatibility)
def senders_are_addresses(**_: Any) -> list[CheckMessage]:
    """OUTBOX_SENDER_OF_KIND, OUTBOX_REPLY_TO_OF_KIND and kinds name addresses that an email can be from and go to."""
    return [Error(f"{problem}.", id="notifications.E022") for problem in _problems()]


def _problems() -> Iterator[str]:
    for name in ("OUTBOX_SENDER_OF_KIND", "OUTBOX_REPLY_TO_OF_KIND"):
        said = getattr(settings, name, conf.DEFAULTS[name])
        for key, address in said.items() if isinstance(said, dict) else ():
            if isinstance(address, str) and not _is_fit(address, for_replies="REPLY_TO" in name):
                yield f"{name}[{key!r}] must be one address, not {address!r}"
    for kind in map(kinds.get, kinds.names()):
        if kind.sender and not _is_fit(kind.sender, for_replies=False):
            yield f"The kind {kind.name!r} has the sender {kind.sender!r}, which is not one address"


def _is_fit(address: str, *, for_replies: bool) -> bool:
    try:
        if for_replies:
            return "{" in address or not mailbox(address).needs_utf8
        checked_sender(address)
    except (Unusable, ImproperlyConfigured):
        return False
    return True
