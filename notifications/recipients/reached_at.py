"""Where many people are reached, for a list of them: in two queries, however many there are."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import DEFAULT_DB_ALIAS

from notifications.models import Recipient
from notifications.recipients.contact import check_database, first_contact, key_of
from notifications.recipients.strangers import Address
from notifications.recipients.user_contact import FIELDS, read_for_sends


def addresses_of(users: Iterable[AbstractBaseUser], *, using: str = DEFAULT_DB_ALIAS) -> dict[Any, Address]:
    """By the key of each of `users`, where a message would reach them: as `contact_of` says it of one.

    An erased person has no address. Writes nothing for who has no recipient yet, and for the others only what
    OUTBOX_CONTACT_OF says otherwise. Raises InvalidRecipient, OtherDatabase.
    """
    people = {user.pk: user for user in users}
    for user in people.values():
        key_of(user)
        check_database(user, using=using)
    rows = Recipient.objects.using(using).filter(user_id__in=people.keys())
    known = dict(rows.values_list("user_id", "pk"))
    read = read_for_sends(list(known.values()), using=using)
    found = {pk: read.get(recipient, {}) for pk, recipient in known.items()}
    found |= {pk: first_contact(user, using=using) for pk, user in people.items() if pk not in known}
    return {pk: Address(**{name: said[name] for name in FIELDS if name in said}) for pk, said in found.items()}
