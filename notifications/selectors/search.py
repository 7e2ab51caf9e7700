"""Finds messages by what support has in hand: an ID, a reference, a phone number, an email address, a user's name, or a
provider's ID. Every look-up goes through an index, whatever the size of the tables.

Only two things have none, and are looked for among the latest messages: a provider's ID, and moments, which are turned
into IDs by bisection, because IDs are given out in the order of time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Q, QuerySet
from django.db.models.functions import Upper

from notifications.lifecycle import ENDED, HEAD, Status
from notifications.models import MessageReference, OutboxMessage, Recipient

LATEST = 100_000  # messages that a look without an index goes through; some tens of milliseconds
MOST_OF_A_RECIPIENT = 1_000  # messages of one person that a list holds; the lane's page has all
MOST_RECIPIENTS = 20  # who share one phone number or email address
JITTER = timedelta(minutes=1)  # of created_at against the order of IDs: publishers overlap
LARGEST_ID = 2**63 - 1

# The lowest ID at or after a moment: halves the range of IDs until it holds one. Each step is one look into the primary
# key's index.
BISECT = """
WITH RECURSIVE bisect (low, high) AS (
    SELECT min(id), max(id) + 1 FROM notifications_outboxmessage
    UNION ALL
    SELECT CASE WHEN middle.created_at < %(moment)s THEN middle.id + 1 ELSE low END,
           CASE WHEN middle.created_at < %(moment)s THEN high ELSE (low + high) / 2 END
    FROM bisect CROSS JOIN LATERAL (
        SELECT id, created_at FROM notifications_outboxmessage WHERE id >= (low + high) / 2 ORDER BY id LIMIT 1
    ) AS middle
    WHERE low < high
)
SELECT low FROM bisect ORDER BY high - low LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search term names. `is_bounded`: an index finds its messages, however old they are."""

    condition: Q
    recipients: tuple[int, ...] = ()
    is_bounded: bool = True


def look_up(term: str, *, using: str = DEFAULT_DB_ALIAS) -> Found:
    """What `term` names; a term that names nothing else is taken for a provider's ID."""
    term = term.strip()
    if recipients := _recipients(term, using=using):
        return Found(Q(recipient_id__in=recipients), recipients)
    if term.isdecimal() and int(term) <= LARGEST_ID:
        return Found(Q(pk=int(term)))
    if MessageReference.objects.using(using).filter(reference=term).exists():
        return Found(Q(about__reference=term))
    return Found(Q(provider_id=term), is_bounded=False)


@dataclass(frozen=True, slots=True)
class Window:
    """The IDs that a look without an index goes through: from `low` to below `high`."""

    low: int
    high: int


def narrow(
    messages: QuerySet[OutboxMessage],
    term: str = "",
    *,
    is_failed: bool = False,
    before: int | None = None,
    until: datetime | None = None,
) -> tuple[QuerySet[OutboxMessage], Window | None]:
    """Those of `messages` that `term` names, and the window of IDs they were looked for in; None: an index finds all.

    `is_failed` says that `messages` are failed ones, which have an index of their own. The window ends below `before`,
    or at the moment `until`.
    """
    found = look_up(term, using=messages.db) if term.strip() else None
    if found and found.recipients:
        return messages.filter(pk__in=messages_of(found.recipients, using=messages.db)), None
    if found:
        messages = messages.filter(found.condition)
    if is_failed or (found and found.is_bounded):
        return messages, None
    window = _window(before, until=until, using=messages.db)
    return messages.filter(pk__gte=window.low, pk__lt=window.high), window


def recipients_called(term: str, *, using: str = DEFAULT_DB_ALIAS) -> list[int]:
    """The recipients with this ID, phone number, email address or user's name."""
    term = term.strip()
    found = list(_recipients(term, using=using))
    return found + ([int(term)] if term.isdecimal() and int(term) <= LARGEST_ID else [])


def messages_of(recipients: tuple[int, ...], *, using: str = DEFAULT_DB_ALIAS) -> list[int]:
    """The IDs of the recipients' latest messages, from the three partial indexes that know a recipient."""
    of_them = OutboxMessage.objects.using(using).filter(recipient_id__in=recipients)
    ids: list[int] = list(of_them.filter(status__in=HEAD).values_list("pk", flat=True)[:MOST_OF_A_RECIPIENT])
    ids += _latest(of_them.filter(status=Status.QUEUED.value).order_by("recipient", "lane", "id"))
    for recipient in recipients:
        ended = OutboxMessage.objects.using(using).filter(recipient_id=recipient, status__in=ENDED)
        ids += _latest(ended.order_by("-id"))
    return ids


def first_id_since(moment: datetime, *, using: str = DEFAULT_DB_ALIAS) -> int:
    """An ID that no message published at `moment` or later is below, give or take a minute's messages."""
    with connections[using].cursor() as cursor:
        cursor.execute(BISECT, {"moment": moment - JITTER})
        (found,) = cursor.fetchone()
    return found or 0


def last_id_before(moment: datetime, *, using: str = DEFAULT_DB_ALIAS) -> int:
    """An ID that no message published before `moment` is above, give or take a minute's messages."""
    return first_id_since(moment + 2 * JITTER, using=using)


def _window(before: int | None, *, until: datetime | None, using: str) -> Window:
    latest = OutboxMessage.objects.using(using).order_by("-pk").values_list("pk", flat=True).first() or 0
    high = latest + 1
    if before:
        high = min(high, before)
    elif until:
        high = min(high, last_id_before(until, using=using) + 1)
    return Window(max(high - LATEST, 1), high)


def _latest(messages: QuerySet[OutboxMessage]) -> list[int]:
    return list(messages.values_list("pk", flat=True)[:MOST_OF_A_RECIPIENT])


def _recipients(term: str, *, using: str) -> tuple[int, ...]:
    """Those with the phone number, the email address or the user's name `term`."""
    rows = Recipient.objects.using(using)
    phone = "".join(term.split())
    if phone.lstrip("+").isdecimal() and (found := _ids(rows.filter(phone="+" + phone.lstrip("+")))):
        return found
    if "@" in term and (found := _ids(rows.alias(upper=Upper("email")).filter(~Q(email=""), upper=term.upper()))):
        return found
    return _ids(rows.filter(user_id__in=_users(term, using=using)))


def _ids(recipients: QuerySet[Recipient]) -> tuple[int, ...]:
    return tuple(recipients.order_by("pk").values_list("pk", flat=True)[:MOST_RECIPIENTS])


def _users(name: str, *, using: str) -> list[Any]:
    users = get_user_model()
    return list(users._default_manager.using(using).filter(**{users.USERNAME_FIELD: name}).values_list("pk", flat=True))
