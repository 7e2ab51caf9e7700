"""Finds the recipients of many people at once, and creates those that are missing, in batches."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import connections

from notifications.content.localization import language_of
from notifications.models import AddressOptOut, Recipient
from notifications.policy import phone_numbers
from notifications.protocol import sql_publish_many as sql
from notifications.protocol.arrays import numbers, texts
from notifications.protocol.run_sql import execute, fetch_all
from notifications.recipients.addresses import lock_shelves
from notifications.recipients.contact import check_database, first_contact, key_of
from notifications.recipients.strangers import Address, keys_of

Each = TypeVar("Each")
MOST_AT_ONCE = 1000  # recipients in one statement


def batches(everything: Sequence[Each]) -> Iterator[list[Each]]:
    """`everything` in lists of at most MOST_AT_ONCE."""
    left = iter(everything)
    while batch := list(islice(left, MOST_AT_ONCE)):
        yield batch


def recipient_ids(people: Sequence[Recipient | AbstractBaseUser | Address], *, using: str) -> list[int]:
    """The ids of the recipients of `people`, in their order. Within a transaction; takes no lane's lock.

    A user who has no recipient gets one, as `contact.recipient_of` would make it; so does an address, as it is stored,
    as by `strangers.stranger_of`. Raises InvalidRecipient, OtherDatabase.
    """
    users: dict[Any, AbstractBaseUser] = {}
    addresses: dict[Address, None] = {}
    for person in people:
        if isinstance(person, Address):
            addresses[person] = None
            continue
        key_of(person)
        check_database(person, using=using)
        if isinstance(person, AbstractBaseUser):
            users[person.pk] = person
    known: dict[Any, int] = _users(users, using=using)
    strangers = _strangers(addresses, using=using)
    new_users = [user for pk, user in users.items() if pk not in known]
    new_addresses = [address for address in addresses if address not in strangers]
    if new_users or new_addresses:
        _create(new_users, new_addresses, using=using)
        known |= _users([user.pk for user in new_users], using=using)
        strangers |= _strangers(new_addresses, using=using)
    return [
        strangers[person]
        if isinstance(person, Address)
        else person.pk
        if isinstance(person, Recipient)
        else known[person.pk]
        for person in people
    ]


def _users(keys: Iterable[Any], *, using: str) -> dict[Any, int]:
    known: dict[Any, int] = {}
    for batch in batches(list(keys)):
        rows = Recipient.objects.using(using).filter(user_id__in=batch)
        known |= dict(rows.values_list("user_id", "pk"))
    return known


def _strangers(addresses: Iterable[Address], *, using: str) -> dict[Address, int]:
    """Those of `addresses` that a recipient is, with its id: of several the oldest."""
    known: dict[Address, int] = {}
    for batch in batches(list(addresses)):
        written = [(place, form, each.email) for place, each in enumerate(batch) for form in _forms(each)]
        phones = [row for row in written if row[1]]
        emails = [row for row in written if not row[1]]
        rows: list[tuple[int, int]] = []
        if phones:
            rows += fetch_all(sql.STRANGERS_BY_PHONE, _wanted(phones), using=using)
        if emails:
            rows += fetch_all(sql.STRANGERS_BY_EMAIL, _wanted(emails), using=using)
        for place, recipient in rows:
            known.setdefault(batch[place], recipient)
    return known


def _forms(address: Address) -> list[str]:
    return phone_numbers.forms(address.phone) if address.phone else [""]


def _wanted(rows: Sequence[tuple[int, str, str]]) -> dict[str, str]:
    places, phones, emails = zip(*rows, strict=True)
    return {"places": numbers(places), "phones": texts(phones), "emails": texts(emails)}


def _create(users: Sequence[AbstractBaseUser], addresses: Sequence[Address], *, using: str) -> None:
    """All shelves are locked in one statement, in their order: so two calls do not wait for each other in a circle."""
    contacts = {user.pk: Address(**first_contact(user, using=using)) for user in users}
    keys = {key for address in (*contacts.values(), *addresses) for key in keys_of(address)}
    lock_shelves(keys, using=using)
    _create_users(contacts, using=using)
    found = _strangers(addresses, using=using) if addresses else {}  # another call may have made them meanwhile
    _create_strangers([address for address in addresses if address not in found], using=using)


def _create_users(contacts: dict[Any, Address], *, using: str) -> None:
    """In the order of keys, so that two that create the same do not wait for each other."""
    field = Recipient._meta.get_field("user")
    statement = sql.CREATE_RECIPIENTS.format(user=field.db_type(connections[using]))
    for batch in batches(sorted(contacts)):
        users = texts([str(field.get_db_prep_value(pk, connections[using])) for pk in batch])
        execute(statement, {"users": users} | _columns([contacts[pk] for pk in batch], using=using), using=using)


def _create_strangers(addresses: Sequence[Address], *, using: str) -> None:
    for batch in batches(addresses):
        compared = texts([phone_numbers.canonical(each.phone) for each in batch])
        execute(sql.CREATE_STRANGERS, {"numbers": compared} | _columns(batch, using=using), using=using)


def _columns(addresses: Sequence[Address], *, using: str) -> dict[str, str]:
    return {
        "phones": texts([each.phone for each in addresses]),
        "emails": texts([each.email for each in addresses]),
        "locales": texts([each.locale or language_of(settings.LANGUAGE_CODE) for each in addresses]),
        "time_zones": texts([each.time_zone or settings.TIME_ZONE for each in addresses]),
        "opt_outs": _opt_outs([keys_of(each) for each in addresses], using=using),
    }


def _opt_outs(keys: Sequence[Sequence[str]], *, using: str) -> str:
    """An array's literal: for each of `keys`, the opt-outs that belong to those addresses, as another such literal."""
    refused: dict[str, set[str]] = {}
    rows = AddressOptOut.objects.using(using).filter(address__in={key for each in keys for key in each})
    for address, word in rows.values_list("address", "opt_out"):
        refused.setdefault(address, set()).add(word)
    return texts([texts(sorted(set().union(*(refused.get(key, ()) for key in each)))) for each in keys])
