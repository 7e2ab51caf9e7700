"""Finds messages by what support has in hand: an ID, a reference, a phone number, an email address, a user's name, or a
provider's ID, as people write them.

Every look-up goes through an index, however large the tables, except that of a provider's ID: it reads the latest
messages only. A moment has no index either: bisection over the primary key turns it into an ID, because IDs follow
time.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Upper

from notifications import conf
from notifications.lifecycle import ENDED, HEAD, Status
from notifications.models import MessageReference, OutboxMessage, Recipient
from notifications.policy import phone_numbers
from notifications.selectors.turns import IN_TURN

LATEST = 100_000  # messages that a search without an index reads; some tens of milliseconds
MOST_OF_A_RECIPIENT = 1_000  # messages of one recipient in a list; the lane's page shows all
MOST_RECIPIENTS = 20  # who share one phone number or email address, or whose names begin alike
MOST_ALIKE = 20  # references that one term may name
FEWEST_LETTERS = 3  # of a name or an address: fewer name half of everybody
JITTER = timedelta(minutes=1)  # of created_at against the order of IDs: publishers overlap
LARGEST_ID = 2**63 - 1
LONGEST_ID = len(str(LARGEST_ID))

PHONE = re.compile(r"(?:[a-z]+:)?\s*[+\uff0b(]?\d[\d\s().+/\u2010-\u2015-]{5,40}", re.IGNORECASE)
REFERENCE = re.compile(r"(?P<what>\w[\w.-]*?)[\s:#-]+(?P<which>[^\s:#].*)")
NUMBER = re.compile(r"#\s*(?P<which>\S+)")

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
    """What a search term means. `is_bounded`: an index finds its messages, however old they are."""

    condition: Q
    recipients: tuple[int, ...] = ()
    is_bounded: bool = True


def look_up(term: str, *, using: str = DEFAULT_DB_ALIAS) -> Found:
    """What `term` names; a term that names nothing else is taken for a provider's ID."""
    term = _cleaned(term)
    if recipients := _recipients(term, using=using):
        return Found(Q(recipient_id__in=recipients), recipients)
    messages = OutboxMessage.objects.using(using)
    number = id_in(term)
    if number is not None and messages.filter(pk__in=(alike := _about(f"#{term}", using=using))).exists():
        return Found(Q(pk__in=alike))  # message 417 beside those of booking 417: who says 417 may mean either
    if recipients := _with_number_of_some_country(term, using=using):
        return Found(Q(recipient_id__in=recipients), recipients)
    if about := _about(term, using=using) or ([] if number is None else [number]):
        return Found(Q(pk__in=about))
    if recipients := _beginning(term, using=using):
        return Found(Q(recipient_id__in=recipients), recipients)
    return Found(Q(provider_id=term), is_bounded=False)


@dataclass(frozen=True, slots=True)
class Meaning:
    """One thing that a term may mean: a message, what messages are about, or a recipient. Two are empty."""

    message: int | None = None
    reference: str = ""
    recipient: Recipient | None = None


def meanings(term: str, *, using: str = DEFAULT_DB_ALIAS) -> list[Meaning]:
    """What `term` may mean, each on its own: message 417, booking:417, and everybody who is called so."""
    term = _cleaned(term)
    if not term:
        return []
    found: list[Meaning] = []
    number = id_in(term.removeprefix("#").strip())
    if number is not None and OutboxMessage.objects.using(using).filter(pk=number).exists():
        found.append(Meaning(message=number))
    names = _references(term) + ([] if number is None else _references(f"#{number}"))
    about = MessageReference.objects.using(using).filter(reference__in=names)
    found += [Meaning(reference=name) for name in sorted(set(about.values_list("reference", flat=True)[:MOST_ALIKE]))]
    people = _recipients(term, using=using) or _with_number_of_some_country(term, using=using)
    people = people or (() if found else _beginning(term, using=using))
    rows = Recipient.objects.using(using).filter(pk__in=people).select_related("user").order_by("pk")
    return [*found, *(Meaning(recipient=recipient) for recipient in rows)]


@dataclass(frozen=True, slots=True)
class Window:
    """The IDs that a search without an index reads: from `low` to below `high`."""

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
    term = _cleaned(term)
    found = (
        _recipients(term, using=using)
        or _with_number_of_some_country(term, using=using)
        or _beginning(term, using=using)
    )
    number = id_in(term.removeprefix("#"))
    return [*found, *([] if number is None else [number])]


def id_in(term: str) -> int | None:
    """The ID that `term` is; none, if it is something else, or larger than an ID can be."""
    is_id = term.isdecimal() and len(term) <= LONGEST_ID and int(term) <= LARGEST_ID
    return int(term) if is_id else None


def messages_of(recipients: tuple[int, ...], *, using: str = DEFAULT_DB_ALIAS) -> list[int]:
    """The IDs of the recipients' latest messages, from the three partial indexes that know a recipient."""
    of_them = OutboxMessage.objects.using(using).filter(recipient_id__in=recipients)
    ids: list[int] = list(of_them.filter(status__in=HEAD).values_list("pk", flat=True)[:MOST_OF_A_RECIPIENT])
    ids += _latest(of_them.filter(status=Status.QUEUED.value).order_by("recipient", "lane", *IN_TURN))
    ended = [of_them.filter(recipient_id=recipient, status__in=ENDED).order_by("-id") for recipient in recipients]
    each = [rows.values_list("pk", flat=True)[:MOST_OF_A_RECIPIENT] for rows in ended]
    return [*ids, *(each[0].union(*each[1:], all=True) if each else ())]


def first_id_since(moment: datetime, *, using: str = DEFAULT_DB_ALIAS) -> int:
    """Every message published at or after `moment` has at least this ID, give or take a minute's messages."""
    with connections[using].cursor() as cursor:
        cursor.execute(BISECT, {"moment": moment - JITTER})
        (found,) = cursor.fetchone()
    return found or 0


def last_id_before(moment: datetime, *, using: str = DEFAULT_DB_ALIAS) -> int:
    """Every message published before `moment` has at most this ID, give or take a minute's messages."""
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


def _cleaned(term: str) -> str:
    """`term` as it was meant; what PostgreSQL cannot hold in a text is in none of ours."""
    return term.replace("\x00", "\ufffd").strip()


def _recipients(term: str, *, using: str) -> tuple[int, ...]:
    """Those with the phone number, the email address or the user's name `term`."""
    rows = Recipient.objects.using(using)
    if (phones := _phones(term)) and (found := _ids(rows.filter(phone__in=phones))):
        return found
    if "@" in term:
        address = parseaddr(term.removeprefix("mailto:"))[1] or term
        if found := _ids(rows.alias(upper=Upper("email")).filter(~Q(email=""), upper=Upper(Value(address)))):
            return found
    return _ids(rows.filter(user_id__in=_users(term, using=using)))


def _phones(term: str) -> list[str]:
    """The numbers, in every form of them, that `term` names with its country code: +1 415-555-2671, whatsapp:+1…"""
    if not PHONE.fullmatch(term):
        return []
    digits = "".join(str(int(character)) for character in term if character.isdecimal())
    written = f"+{digits.removeprefix('00')}"
    numbers = (written, phone_numbers.e164(written) or written)  # the second one without a 0 after the country code
    return sorted({form for number in numbers for form in phone_numbers.forms(number)})


def _with_number_of_some_country(term: str, *, using: str) -> tuple[int, ...]:
    """Those whose number is `term` in their country, of those that are written to."""
    if not PHONE.fullmatch(term):
        return ()
    numbers = phone_numbers.readings(term, conf.allowed_countries())
    forms = {form for number in numbers for form in phone_numbers.forms(number)}
    return _ids(Recipient.objects.using(using).filter(phone__in=sorted(forms))) if forms else ()


def _about(term: str, *, using: str) -> list[int]:
    """The messages about what `term` names: `booking:417` as it is kept, `booking 417`, `Booking #417`, or `#417`.

    The last is also message 417.
    """
    number = NUMBER.fullmatch(term)
    ids = [id_in(number["which"])] if number else []
    about = MessageReference.objects.using(using).filter(reference__in=_references(term)).order_by("-message_id")
    found = list(about.values_list("message_id", flat=True)[:MOST_OF_A_RECIPIENT])
    return [*found, *(each for each in ids if each is not None)]


def _references(term: str) -> list[str]:
    """The references that `term` may be written for."""
    names = [term]
    if parts := REFERENCE.fullmatch(term):
        names += [f"{parts['what'].lower()}:{parts['which']}", f"{parts['what']}:{parts['which']}"]
    if number := NUMBER.fullmatch(term):
        names += [f"{what}:{number['which']}" for what in getattr(settings, "OUTBOX_REFERENCE_LINKS", {})]
    return names


def _beginning(term: str, *, using: str) -> tuple[int, ...]:
    """Those whose email address, login name, or another name by OUTBOX_NAME_FIELDS, begins with `term`, in any case."""
    if len(term) < FEWEST_LETTERS:
        return ()
    rows = Recipient.objects.using(using)
    by_email = rows.alias(upper=Upper("email")).filter(~Q(email=""), upper__startswith=term.upper())
    if found := _ids(by_email):
        return found
    users = get_user_model()._default_manager.using(using)
    found_users = list(users.filter(_named(term)).values_list("pk", flat=True)[:MOST_RECIPIENTS])
    for field in conf.setting("OUTBOX_NAME_FIELDS"):
        named = users.alias(upper=Upper(field)).filter(upper__startswith=term.upper())
        found_users += named.values_list("pk", flat=True)[:MOST_RECIPIENTS]
    return _ids(rows.filter(user_id__in=found_users))


def _named(term: str) -> Q:
    """Whose login name begins with `term`, as it is written or in other letters of the same ones: an index finds it."""
    field = f"{get_user_model().USERNAME_FIELD}__startswith"
    spelled = {term, term.lower(), term.upper(), term.capitalize(), term.title()}
    return Q(*((field, each) for each in sorted(spelled)), _connector=Q.OR)


def _ids(recipients: QuerySet[Recipient]) -> tuple[int, ...]:
    return tuple(recipients.order_by("pk").values_list("pk", flat=True)[:MOST_RECIPIENTS])


def _users(name: str, *, using: str) -> list[Any]:
    """The users of this name: as it is written, else in other letters of the same ones, which an index finds too."""
    users = get_user_model()
    rows = users._default_manager.using(using)
    for names in ([name], [name.lower(), name.upper(), name.capitalize(), name.title()]):
        if found := list(rows.filter(**{f"{users.USERNAME_FIELD}__in": names}).values_list("pk", flat=True)):
            return found
    return []
