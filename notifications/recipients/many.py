"""Finds the recipients of many users at once, and creates those that are missing, in batches."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import connections

from notifications import conf
from notifications.content.localization import language_of
from notifications.models import AddressOptOut, Recipient
from notifications.policy.address_keys import address_key
from notifications.protocol.arrays import texts
from notifications.protocol.run_sql import execute
from notifications.protocol.sql_publish_many import CREATE_RECIPIENTS
from notifications.recipients.addresses import lock_shelves
from notifications.recipients.contact import check_database, key_of, usable_email

Each = TypeVar("Each")
MOST_AT_ONCE = 1000  # recipients in one statement


def batches(everything: Sequence[Each]) -> Iterator[list[Each]]:
    """`everything` in lists of at most MOST_AT_ONCE."""
    left = iter(everything)
    while batch := list(islice(left, MOST_AT_ONCE)):
        yield batch


def recipient_ids(people: Sequence[Recipient | AbstractBaseUser], *, using: str) -> list[int]:
    """The ids of the recipients of `people`, in their order. Within a transaction; takes no lane's lock.

    A user who has no recipient gets one, as `contact.recipient_of` would make it. Raises InvalidRecipient,
    OtherDatabase.
    """
    users: dict[Any, AbstractBaseUser] = {}
    for person in people:
        key_of(person)
        check_database(person, using=using)
        if isinstance(person, AbstractBaseUser):
            users[person.pk] = person
    known = _known(list(users), using=using)
    if missing := [user for pk, user in users.items() if pk not in known]:
        _create(missing, using=using)
        known |= _known([user.pk for user in missing], using=using)
    return [person.pk if isinstance(person, Recipient) else known[person.pk] for person in people]


def _known(users: Sequence[Any], *, using: str) -> dict[Any, int]:
    known: dict[Any, int] = {}
    for batch in batches(users):
        rows = Recipient.objects.using(using).filter(user_id__in=batch)
        known |= dict(rows.values_list("user_id", "pk"))
    return known


def _create(users: Sequence[AbstractBaseUser], *, using: str) -> None:
    """In the order of keys, so that two that create the same do not wait for each other."""
    trusted = conf.trusts_user_email()
    emails = {user.pk: usable_email(user) if trusted else "" for user in users}
    keys = {pk: address_key("email", email) for pk, email in emails.items() if email}
    lock_shelves(list(keys.values()), using=using)
    shared = {"locale": language_of(settings.LANGUAGE_CODE), "time_zone": settings.TIME_ZONE}
    field = Recipient._meta.get_field("user")
    statement = CREATE_RECIPIENTS.format(user=field.db_type(connections[using]))
    for batch in batches(sorted(emails)):
        refused = _refused([keys[pk] for pk in batch if pk in keys], using=using)
        columns = {
            "users": texts([str(field.get_db_prep_value(pk, connections[using])) for pk in batch]),
            "emails": texts([emails[pk] for pk in batch]),
            "opt_outs": texts([texts(refused.get(keys.get(pk, ""), [])) for pk in batch]),
        }
        execute(statement, shared | columns, using=using)


def _refused(keys: Sequence[str], *, using: str) -> dict[str, list[str]]:
    refused: dict[str, list[str]] = {}
    rows = AddressOptOut.objects.using(using).filter(address__in=keys).order_by("address", "opt_out")
    for address, word in rows.values_list("address", "opt_out"):
        refused.setdefault(address, []).append(word)
    return refused
