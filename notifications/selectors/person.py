"""Everything that the outbox knows of one person, as plain values, to be handed to them."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import DEFAULT_DB_ALIAS

from notifications.models import (
    AddressOptOut,
    ConsentRecord,
    Conversation,
    DeliveryAttempt,
    Note,
    OutboxMessage,
    Recipient,
)
from notifications.policy import phone_numbers
from notifications.policy.address_keys import address_key

CONTACT = (*("phone", "phone_verified_at", "email", "email_verified_at"), *("locale", "time_zone", "opt_outs"))
CONSENT = ("changed_at", "channel", "purpose", "is_opt_in", "how")
MESSAGE = ("id", "kind", "channel", "status", "reference", "created_at", "finished_at", "receipt", "context")
ATTEMPT = ("started_at", "ended_at", "answer", "code", "detail", "provider_id", "address")


def known_of(who: Recipient | AbstractBaseUser, *, using: str = DEFAULT_DB_ALIAS) -> dict[str, Any]:
    """What is kept of `who`: contact, consents, talks, codes, browsers, and messages with their attempts."""
    key = {"pk": who.pk} if isinstance(who, Recipient) else {"user_id": who.pk}
    recipient = Recipient.objects.using(using).filter(**key).first()
    if recipient is None:
        return {}
    forms = phone_numbers.forms(recipient.phone) if recipient.phone else []
    keys = [address_key(name, getattr(recipient, name)) for name in ("phone", "email") if getattr(recipient, name)]
    consents = ConsentRecord.objects.using(using).filter(recipient=recipient).order_by("pk")
    talks = Conversation.objects.using(using).filter(phone__in=forms).order_by("pk")
    refused = AddressOptOut.objects.using(using).filter(address__in=keys).order_by("pk")
    notes = Note.objects.using(using).filter(recipient=recipient).order_by("pk")
    return {
        "contact": {name: getattr(recipient, name) for name in CONTACT},
        "consents": list(consents.values(*CONSENT)),
        "opt_outs_of_addresses": list(refused.values("address", "opt_out", "changed_at")),
        "conversations": list(talks.values("channel", "phone", "last_inbound_at")),
        "address_changes": list(
            recipient.address_changes.using(using).order_by("pk").values("field", "old", "changed_at", "undone_at")
        ),
        "verifications": list(
            recipient.verifications.using(using).order_by("pk").values("field", "address", "created_at")
        ),
        "browsers": list(recipient.push_subscriptions.using(using).order_by("pk").values("browser", "created_at")),
        "notes": list(notes.values("written_at", "text")),
        "messages": _messages(recipient, using=using),
    }


def _messages(recipient: Recipient, *, using: str) -> list[dict[str, Any]]:
    messages = {
        each["id"]: {**each, "attempts": []}
        for each in OutboxMessage.objects.using(using).filter(recipient=recipient).order_by("id").values(*MESSAGE)
    }
    attempts = DeliveryAttempt.objects.using(using).filter(message__recipient=recipient).order_by("id")
    for attempt in attempts.values("message_id", *ATTEMPT):
        messages[attempt.pop("message_id")]["attempts"].append(attempt)
    return list(messages.values())
