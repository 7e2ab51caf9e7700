"""What one person got, as they may see it themselves."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import DEFAULT_DB_ALIAS

from notifications import kinds
from notifications.lifecycle import WAITING, Status
from notifications.models import OutboxMessage, Recipient
from notifications.policy.masking import hint
from notifications.protocol.sql_words import HELD_WORDS
from notifications.selectors.history import Entry, history_of, tells


@dataclass(frozen=True, slots=True)
class Received:
    """One message, as its own recipient may see it: with a masked address, and without what is ours to know.

    `is_held`: it waits, through no fault of theirs, for words that can be made.
    `is_secret`: it holds a code, which is shown nowhere but in the message. A `text` that is empty cannot be shown.
    """

    id: int
    kind: str
    channel: str
    status: str
    receipt: str
    reference: str
    at: datetime
    address: str
    subject: str
    text: str
    is_secret: bool
    is_held: bool


@dataclass(frozen=True, slots=True)
class ReceivedPage:
    """A page of what somebody received. `before` leads on; None: there is nothing older."""

    messages: list[Received]
    before: int | None


def received_of(
    who: Recipient | AbstractBaseUser, *, search: str = "", before: int | None = None, using: str = DEFAULT_DB_ALIAS
) -> ReceivedPage:
    """What was sent to `who`, the latest first; what was withdrawn, or was not wanted, is left out. First comes what is
    late because its kind is held.
    """
    key = {"pk": who.pk} if isinstance(who, Recipient) else {"user_id": who.pk}
    recipient = Recipient.objects.using(using).filter(**key).first()
    if recipient is None:
        return ReceivedPage([], None)
    page = history_of(recipient, search=search, before=before, using=using, says=tells, shows_links=True)
    held = [entry for entry in page.waiting if is_held(entry.message)]
    shown = [*held, *(entry for entry in page.entries if entry.message.status != Status.CANCELLED)]
    return ReceivedPage([_received(entry) for entry in shown], page.before)


def is_held(message: OutboxMessage) -> bool:
    """Whether it waits for words that can be made."""
    return message.error_code == HELD_WORDS and message.status in WAITING


def _received(entry: Entry) -> Received:
    message = entry.message
    return Received(
        id=message.pk,
        kind=message.kind,
        channel=message.channel,
        status=message.status,
        receipt=message.receipt,
        reference=message.reference,
        at=message.finished_at or message.created_at,
        address=hint(entry.address),
        subject=entry.subject,
        text=entry.text,
        is_secret=kinds.holds_code(message.kind),
        is_held=is_held(message),
    )
