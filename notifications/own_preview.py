"""*Send me this*: a member of staff gets a kind's preview at their own address, marked as one, through the outbox.

It goes the way of every message, so it shows how the words arrive. It goes nowhere but to who asks, counts under no
cap of customers, and is on record; so many an hour are enough for one person.
"""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models.functions import Now

from notifications import outbox
from notifications.channels import channel_names, field_of
from notifications.kinds import Kind, register
from notifications.models import OperatorAction, OutboxMessage, Recipient
from notifications.models.audit import Verb
from notifications.operations.record_action import Actor, record
from notifications.recipients.contact import recipient_of
from notifications.selectors.outgoing import Words

MOST_AN_HOUR = 20
HOUR = timedelta(hours=1)
TEXTS = ("text", "subject", "html")
BEGINS = "outbox.preview_"  # the kinds' names; the channel follows
CHANNELS = ("sms", "whatsapp", "email")  # those that have templates for it


def register_kinds() -> None:
    """Make the previews' kinds known, for the channels that the project has."""
    for channel in set(CHANNELS) & set(channel_names()):
        sample = {"of": "booking.confirmed", "text": "Hello", "subject": "Hello", "html": "<p>Hello</p>"}
        register(
            Kind(
                f"{BEGINS}{channel}",
                channels=(channel,),
                sample=sample,
                links=frozenset(TEXTS),
                expires_after=HOUR,
                may_be_repeated=False,
                is_capped=False,
            )
        )


def ways_to(user: AbstractBaseUser) -> dict[str, str]:
    """By channel, the address at which the user would get a preview."""
    recipient = recipient_of(user)
    offered = set(CHANNELS) & set(channel_names())
    addresses = {channel: str(getattr(recipient, field)) for channel in offered if (field := field_of(channel))}
    return {channel: address for channel, address in addresses.items() if address}


class TooManyPreviews(Exception):
    """This person has had as many previews within the last hour as one may."""

    def __init__(self) -> None:
        super().__init__(f"You have had {MOST_AN_HOUR} previews within an hour. Try again later.")


def send_preview(user: Any, kind: str, words: Words) -> OutboxMessage | None:
    """Send what a preview of `kind` says to the user; None if they do not want messages by that channel.

    Raises TooManyPreviews.
    """
    context = {"of": kind, **{name: words.parts.get(name, "") for name in TEXTS}}
    actor = Actor.of(user)
    with transaction.atomic():
        recipient = Recipient.objects.select_for_update(no_key=True).get(pk=recipient_of(user).pk)
        own = OperatorAction.objects.filter(actor=actor, action=Verb.SEND_PREVIEW, acted_at__gt=Now() - HOUR)
        if own.count() >= MOST_AN_HOUR:
            raise TooManyPreviews
        messages = outbox.publish(f"{BEGINS}{words.channel}", recipient=recipient, context=context)
        message = messages[0] if messages else None
        record(Verb.SEND_PREVIEW, actor=actor, message=message, channel=words.channel, detail=f"of {kind}"[:200])
    return message
