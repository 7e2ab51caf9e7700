"""The outbox's public interface: publish messages in a transaction, look them up, cancel or replay them.

    with transaction.atomic():
        booking = Booking.objects.create(...)
        outbox.publish("booking.confirmed", recipient=user, context={...}, dedupe_key=f"booking:{booking.pk}:confirmed")

A message exists if and only if the caller's transaction commits (G1). `publish` locks the recipient's lane until the
commit, so messages go in the order of commits (G4).
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import DEFAULT_DB_ALIAS, connections, router

from notifications import kinds, origin
from notifications.content.attachments import check_attachments
from notifications.content.public_links import public_link
from notifications.errors import (
    AttachmentsTooLarge,
    InvalidContact,
    InvalidContext,
    InvalidMessage,
    InvalidRecipient,
    NotInTransaction,
    NotSentAgain,
    OtherDatabase,
    OutboxError,
    UnknownKind,
    UnsafeIsolation,
)
from notifications.kinds import Fallback, Kind, Purpose, register
from notifications.lifecycle import HELD, Status
from notifications.models import OutboxMessage, Recipient
from notifications.monitoring import traces
from notifications.operations.erase import erase, erase_record_of
from notifications.operations.replay import cancel, replay
from notifications.operations.reschedule import reschedule
from notifications.operations.send_again import send_again, ways_again
from notifications.origin import coming_from
from notifications.policy.attachment import Attachment, Facts
from notifications.protocol import sql_messages as sql
from notifications.protocol.notify import notify_after_commit
from notifications.protocol.transactions import is_in_transaction
from notifications.publishing.checked import as_json, check_fields, check_moments
from notifications.publishing.decide import Reached, Times, decide
from notifications.publishing.from_async import from_async
from notifications.publishing.lock_recipient import lock_recipient
from notifications.publishing.many import Published, To, publish_many
from notifications.publishing.replacing import replace_waiting, under_way
from notifications.recipients.contact import Contact, change_contact, check_database, contact_of
from notifications.recipients.contact_fields import checked_changes
from notifications.recipients.reached_at import addresses_of
from notifications.recipients.strangers import Address, stranger_of, valid
from notifications.recipients.user_contact import refresh
from notifications.selectors.person import known_of
from notifications.selectors.received import Received, ReceivedPage, received_of

__all__ = [
    "Address",
    "Attachment",
    "AttachmentsTooLarge",
    "Contact",
    "Facts",
    "Fallback",
    "InvalidContact",
    "InvalidContext",
    "InvalidMessage",
    "InvalidRecipient",
    "Kind",
    "NotInTransaction",
    "NotSentAgain",
    "OtherDatabase",
    "OutboxError",
    "Published",
    "Purpose",
    "Received",
    "ReceivedPage",
    "Status",
    "To",
    "UnknownKind",
    "UnsafeIsolation",
    "addresses_of",
    "apublish",
    "cancel",
    "change_contact",
    "checked_changes",
    "coming_from",
    "contact_of",
    "erase",
    "erase_record_of",
    "export",
    "messages_about",
    "public_link",
    "publish",
    "publish_many",
    "received_by",
    "register",
    "replay",
    "reschedule",
    "send_again",
    "ways_again",
]

ENQUEUED = ("id", "channel", "lane", "status", "created_at", "next_attempt_at")  # ENQUEUE's
COLUMNS = [field.attname for field in OutboxMessage._meta.concrete_fields]
UNTRIED = {"claim_number": 0, "attempts": 0, "deferrals": 0, "rescues": 0} | dict.fromkeys(
    ("provider_id", "receipt", "error_code", "error_detail"), ""
)


def publish(
    kind: str,
    *,
    recipient: Recipient | AbstractBaseUser | None = None,
    to: Address | Recipient | AbstractBaseUser | None = None,
    context: Mapping[str, Any],
    dedupe_key: str = "",
    reference: str = "",
    expires_at: datetime | None = None,
    send_at: datetime | None = None,
    replace: str = "",
    using: str = DEFAULT_DB_ALIAS,
) -> list[OutboxMessage]:
    """Write one message for each channel of the kind; returns those that will be sent.

    `recipient`: a user. `to`: that, or an Address of somebody without an account. Give one of the two.
    `context`: plain JSON, for the templates.
    `dedupe_key`: if it was used before, nothing is written.
    `reference`: what the message is about, for `messages_about`.
    `expires_at`: after it the message is not sent.
    `send_at`: until then it waits beside the lane, and then takes its place in the order of due moments. Past: now.
    `replace`: a key. What waits under it for the recipient is written over, and keeps its id, place and moment.

    A message for an opted-out channel is recorded as cancelled, and is not returned. The README says more.

    Raises an OutboxError, with nothing written: NotInTransaction, UnsafeIsolation, UnknownKind, InvalidContext,
    InvalidRecipient, InvalidContact, OtherDatabase, InvalidMessage, AttachmentsTooLarge.
    """
    announced, text = kinds.get(kind), as_json(context)
    check_fields(dedupe_key=dedupe_key, reference=reference, replace=replace)
    check_moments(expires_at=expires_at, send_at=send_at)
    if not is_in_transaction(using):
        raise NotInTransaction
    locked, now = lock_recipient(_one_of(recipient, to, using=using), using=using)
    check_attachments(announced, context, locale=locked.locale, time_zone=locked.time_zone)
    times = Times.of(announced, now=now, send_at=send_at, expires_at=expires_at)
    words = {"kind": kind, "dedupe_key": dedupe_key, "replace_key": replace, "reference": reference}
    moments = {"expires_at": times.expires_at, "send_at": times.send_at}
    message = OutboxMessage(recipient=locked, context=dict(context), origin=origin.current(), **words, **moments)
    suppressions, held_until = decide(announced, Reached.of(locked), times=times)
    if not replace:
        return _enqueue(message, text, suppressions, held_until=held_until, using=using)
    expires_after = None if expires_at else announced.expires_after
    return _replace(message, text, suppressions, expires_after=expires_after, held_until=held_until, using=using)


apublish = from_async(publish)
"""`publish`, awaited in a transaction that is open already: where sync code holds one and has called async code through
`async_to_sync`, as tests do too. Everywhere else it raises NotInTransaction, which says what to do.
"""


def _replace(
    message: OutboxMessage,
    text: str,
    suppressions: Mapping[str, str],
    *,
    expires_after: timedelta | None,
    held_until: datetime | None,
    using: str,
) -> list[OutboxMessage]:
    """Write over what still waits under the message's key; enqueue it on the channels where nothing does."""
    replaced = _take_places(message, text, suppressions, expires_after=expires_after, using=using)
    taken = {each.channel for each in replaced}
    left = {channel: code for channel, code in suppressions.items() if channel not in taken}
    behind = under_way(message, left, using=using)
    written = _enqueue(message, text, left, held_until=held_until, using=using) if left else []
    for each in written:
        each.goes_behind = behind.get(each.channel)
    return replaced + written


def export(who: Recipient | AbstractBaseUser, *, using: str = DEFAULT_DB_ALIAS) -> dict[str, Any]:
    """Everything that the outbox knows of `who`, as plain values, to be handed to them. Raises OtherDatabase."""
    check_database(who, using=using)  # else it would be of whoever has this number there
    return known_of(who, using=using)


def received_by(
    who: Recipient | AbstractBaseUser, *, search: str = "", before: int | None = None, using: str = DEFAULT_DB_ALIAS
) -> ReceivedPage:
    """What was sent to `who`, the latest first, as they may see it: of what is older than message `before` a page, or
    what of the latest 500 holds `search`. Raises OtherDatabase.
    """
    check_database(who, using=using)
    return received_of(who, search=search, before=before, using=using)


def forget_user(instance: AbstractBaseUser, **_: Any) -> None:
    """For the signal before a user is deleted: forget the person, in the transaction that deletes.

    Also in each other database whose recipients may be of this user, as the routers say. Those commit on their own.
    """
    for alias in connections:
        if router.allow_migrate_model(alias, Recipient):
            try:
                erase(instance, actor="deletion of the user", using=alias)
            except OtherDatabase:
                continue


def messages_about(references: Collection[str], *, using: str = DEFAULT_DB_ALIAS) -> dict[str, list[OutboxMessage]]:
    """The messages about each of `references`, oldest first. Each of `references` is a key of the result."""
    about: dict[str, list[OutboxMessage]] = {reference: [] for reference in references}
    rows = OutboxMessage.objects.using(using).filter(about__reference__in=about).select_related("stands_in")
    for message in rows.order_by("id"):
        about[message.reference].append(message)
    return about


def _one_of(
    recipient: Recipient | AbstractBaseUser | None, to: Address | Recipient | AbstractBaseUser | None, *, using: str
) -> Recipient | AbstractBaseUser:
    if (recipient is None) == (to is None):
        raise InvalidMessage("Give either recipient or to.")
    who = to if recipient is None else recipient
    if isinstance(who, Address):
        return stranger_of(valid(who), using=using)
    if isinstance(who, Recipient | AbstractBaseUser):
        check_database(who, using=using)
        refresh(who, using=using)
        return who
    raise InvalidRecipient(who)


def _enqueue(
    message: OutboxMessage, context: str, suppressions: Mapping[str, str], *, held_until: datetime | None, using: str
) -> list[OutboxMessage]:
    """Insert one row per channel, in order. The first message of an empty lane becomes its head."""
    lanes = [HELD if held_until else kinds.lane_name(message.kind, channel) for channel in suppressions]
    to_send = [lane if not code else None for lane, code in zip(lanes, suppressions.values(), strict=True)]
    with traces.publishing(message.kind, channels=len(lanes)) as traceparent, connections[using].cursor() as cursor:
        cursor.execute(
            sql.ENQUEUE,
            {
                "recipient": message.recipient_id,
                "kind": message.kind,
                "context": context,
                "dedupe_key": message.dedupe_key,
                "replace_key": message.replace_key,
                "reference": message.reference,
                "origin": message.origin,
                "traceparent": traceparent,
                "expires_at": message.expires_at,
                "send_at": message.send_at,
                "channels": list(suppressions),
                "suppressions": list(suppressions.values()),
                "lanes": lanes,
                "leads": [not held_until and lane not in to_send[:position] for position, lane in enumerate(to_send)],
                "held_until": held_until,
            },
        )
        rows = cursor.fetchall()
    message.traceparent = traceparent
    notify_after_commit(using)
    columns = [dict(zip(ENQUEUED, row, strict=True)) for row in rows]
    return [_written(message, row, using=using) for row in columns if not Status(row["status"]).is_terminal]


def _take_places(
    message: OutboxMessage,
    context: str,
    suppressions: Mapping[str, str],
    *,
    expires_after: timedelta | None,
    using: str,
) -> list[OutboxMessage]:
    """Write `message` over what waits under its key, on the channels that may be used."""
    wanted = [channel for channel, code in suppressions.items() if not code]
    with traces.publishing(message.kind, channels=len(wanted)) as message.traceparent:
        rows = replace_waiting(message, context, wanted, expires_after=expires_after, using=using)
    replaced = [_written(message, row, using=using) for row in rows]
    for each in replaced:
        each.replaced = True
    return replaced


def _written(message: OutboxMessage, row: dict[str, Any], *, using: str) -> OutboxMessage:
    """`message` with the columns of one written `row`."""
    given = {column: getattr(message, column) for column in COLUMNS} | UNTRIED | {"context": dict(message.context)}
    facts = given | row
    written = OutboxMessage.from_db(using, COLUMNS, [facts[column] for column in COLUMNS])
    written.recipient = message.recipient
    return written
