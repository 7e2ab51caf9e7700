"""What a test says about published messages. They are read from the test's database, so a rollback takes them away."""

import json
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q

from notifications.lifecycle import Status
from notifications.models import OutboxMessage, Recipient
from notifications.recipients.contact import key_of
from notifications.recipients.strangers import Address, strangers_of, valid

To = Recipient | AbstractBaseUser | Address | str  # a str is a phone number or an email address, whoever has it


def outbox_messages(
    kind: str | None = None, *, to: To | None = None, channel: str | None = None, using: str = DEFAULT_DB_ALIAS
) -> list[OutboxMessage]:
    """The messages in the outbox, oldest first: one per channel, whatever became of it."""
    found = OutboxMessage.objects.using(using).select_related("recipient").order_by("id")
    if kind is not None:
        found = found.filter(kind=kind)
    if channel is not None:
        found = found.filter(channel=channel)
    if isinstance(to, str):
        found = found.filter(Q(recipient__phone=to) | Q(recipient__email=to))
    elif isinstance(to, Address):
        found = found.filter(recipient__in=strangers_of(valid(to), using=using))
    elif to is not None:
        found = found.filter(**{f"recipient__{key}": value for key, value in key_of(to).items()})
    return list(found)


def assert_published(
    kind: str,
    *,
    to: To | None = None,
    context: Mapping[str, Any] | None = None,
    channel: str | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> list[OutboxMessage]:
    """At least one message of `kind` was published that will be, or was, sent; returns all that match.

    `context` holds what the message's context must hold, among other things. Messages that were suppressed at once, by
    an opt-out for example, do not count. Raises AssertionError, which lists what was published.
    """
    matching = _matching(kind, to=to, context=context, channel=channel, using=using)
    if not matching:
        raise AssertionError(f"{_wanted(kind, to, context, channel)} was not published. {_published(using)}")
    return matching


def assert_not_published(
    kind: str,
    *,
    to: To | None = None,
    context: Mapping[str, Any] | None = None,
    channel: str | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> None:
    """No message was published that `assert_published` would find. Raises AssertionError."""
    if _matching(kind, to=to, context=context, channel=channel, using=using):
        raise AssertionError(f"{_wanted(kind, to, context, channel)} was published. {_published(using)}")


def _matching(
    kind: str, *, to: To | None, context: Mapping[str, Any] | None, channel: str | None, using: str
) -> list[OutboxMessage]:
    wanted = json.loads(json.dumps(dict(context or {})))  # as the message has it: tuples are lists there
    return [
        message
        for message in outbox_messages(kind, to=to, channel=channel, using=using)
        if message.status != Status.CANCELLED and wanted.items() <= _shared(message.context, wanted).items()
    ]


def _shared(context: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in context.items() if name in wanted}


def _wanted(kind: str, to: To | None, context: Mapping[str, Any] | None, channel: str | None) -> str:
    details = {"to": to, "context": context, "channel": channel}
    named = ", ".join(f"{name}={value!r}" for name, value in details.items() if value is not None)
    return f"{kind!r}{f' ({named})' if named else ''}"


def _published(using: str) -> str:
    lines = [
        f"  {message.kind!r} on {message.channel} to {_recipient(message)}: {message.status}, {message.context!r}"
        for message in outbox_messages(using=using)
    ]
    return "\n".join(["Published were:", *lines]) if lines else "Nothing was published."


def _recipient(message: OutboxMessage) -> str:
    recipient = message.recipient
    return f"user {recipient.user_id}" if recipient.user_id else f"recipient {recipient.pk}"
