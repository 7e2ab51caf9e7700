"""Reads and changes a user's contact details and opt-outs, for the rest of an application."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, router, transaction
from django.utils.translation import gettext as _

from notifications import conf
from notifications.channels import channel_names
from notifications.content.localization import language_of, zone_of
from notifications.errors import AddressOptedOut, InvalidContact, InvalidRecipient, OtherDatabase
from notifications.kinds import Purpose
from notifications.models import Recipient
from notifications.policy.address_keys import address_key
from notifications.policy.consent import opt_out_key
from notifications.recipients.addresses import adopt_opt_outs, lock_address, set_address
from notifications.recipients.contact_fields import checked, checked_changes
from notifications.recipients.opt_outs import How, opt_in, opt_out
from notifications.recipients.user_contact import check_is_ours, refresh, said_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Contact:
    """How, where and in which language to reach somebody. `phone` is E.164; an empty address means none.

    `…_enabled` says whether a channel is wanted at all; `opt_ins` says which purposes are wanted on each channel.
    """

    phone: str
    email: str
    locale: str
    time_zone: str
    sms_enabled: bool
    whatsapp_enabled: bool
    email_enabled: bool
    opt_ins: dict[str, dict[str, bool]]


ADDRESSES = ("phone", "email")
COLUMNS = ("locale", "time_zone")
SWITCHES = {"sms_enabled": "sms", "whatsapp_enabled": "whatsapp", "email_enabled": "email"}  # each for a whole channel


def key_of(user: Recipient | AbstractBaseUser) -> dict[str, Any]:
    """The lookup of the recipient of `user`. Raises InvalidRecipient unless it is a saved user or a saved Recipient."""
    if not isinstance(user, Recipient | AbstractBaseUser) or user.pk is None:
        raise InvalidRecipient(user)
    return {"pk": user.pk} if isinstance(user, Recipient) else {"user_id": user.pk}


def check_database(who: Recipient | AbstractBaseUser, *, using: str) -> None:
    """Whether `who` may be used in the database `using`: the routers say, as of any relation. Raises OtherDatabase."""
    of = who._state.db
    if of in (None, using):
        return
    there = Recipient()
    there._state.db = using
    if not router.allow_relation(who, there):
        raise OtherDatabase(who, of=of, using=using)


def recipient_of(user: Recipient | AbstractBaseUser, *, using: str = DEFAULT_DB_ALIAS) -> Recipient:
    """The recipient of `user`. Creates it with the user's email address if it does not exist.

    Raises InvalidRecipient, OtherDatabase.
    """
    key = key_of(user)
    if isinstance(user, Recipient):
        return user
    check_database(user, using=using)
    recipient = Recipient.objects.using(using).filter(**key).first()
    if recipient is not None:
        return recipient
    defaults = first_contact(user, using=using)
    with transaction.atomic(using=using):
        recipient, is_new = Recipient.objects.using(using).get_or_create(**key, defaults=defaults)
        if is_new:
            adopt_opt_outs(recipient, using=using)
    return recipient


def first_contact(user: AbstractBaseUser, *, using: str) -> dict[str, str]:
    """The fields of a recipient that is made for `user`: what the project's function says, and the defaults.

    Raises InvalidRecipient for a user without a row, whose key was made before it: a UUID, say.
    """
    if user._state.adding and not user.__class__._base_manager.using(using).filter(pk=user.pk).exists():
        raise InvalidRecipient(user)
    contact = {"phone": "", "locale": language_of(settings.LANGUAGE_CODE), "time_zone": settings.TIME_ZONE}
    said = said_of(user, using=using)
    if "email" not in said:
        contact["email"] = usable_email(user) if conf.trusts_user_email() else ""
    return {**contact, **said}


def usable_email(user: AbstractBaseUser) -> str:
    """The user's email address; none, if it is not one: the other channels still reach the user."""
    address = getattr(user, user.get_email_field_name(), "") or ""
    try:
        return str(checked("email", address))
    except ValidationError:
        logger.warning("The email address of user %s cannot be used, so the outbox has none for them.", user.pk)
        return ""


def contact_of(user: Recipient | AbstractBaseUser) -> Contact:
    """The contact details of `user`; raises InvalidRecipient."""
    key_of(user)
    refresh(user, using=DEFAULT_DB_ALIAS)
    recipient = recipient_of(user)
    refused = recipient.opt_outs
    return Contact(
        phone=recipient.phone,
        email=recipient.email,
        locale=language_of(recipient.locale),
        time_zone=zone_of(recipient.time_zone).key,
        sms_enabled=opt_out_key("sms") not in refused,
        whatsapp_enabled=opt_out_key("whatsapp") not in refused,
        email_enabled=opt_out_key("email") not in refused,
        opt_ins={
            channel: {purpose.value: opt_out_key(channel, purpose) not in refused for purpose in Purpose}
            for channel in channel_names()
        },
    )


def change_contact(user: Recipient | AbstractBaseUser, **changes: Any) -> Contact:
    """Change the contact details in `changes`, all or none. What `opt_ins` does not name stays as it is.

    An address that is given here is vouched for by the caller, and in use at once. What a person enters goes through
    `notifications.verification` instead.

    Raises InvalidContact, naming every field that is wrong, and InvalidRecipient.
    """
    changes = checked_changes(changes)
    with transaction.atomic():
        recipient = recipient_of(user)
        check_is_ours(user, changes, using=DEFAULT_DB_ALIAS)
        _set_addresses(recipient, {word: changes[word] for word in ADDRESSES if word in changes})
        columns = {word: value for word, value in changes.items() if word in COLUMNS}
        if columns:
            Recipient.objects.using(recipient._state.db).filter(pk=recipient.pk).update(**columns)
        for channel, purpose, is_wanted in _opt_ins(changes):
            change = opt_in if is_wanted else opt_out
            try:
                change(recipient, channel=channel, purpose=purpose, how=How.PROFILE, actor=_name(user))
            except AddressOptedOut as error:
                raise InvalidContact({"opt_ins": [_refusal(error)]}) from error
        recipient.refresh_from_db()
    return contact_of(recipient)


def _refusal(error: AddressOptedOut) -> str:
    """In the language of the page, as all that is wrong with what was entered."""
    said = _(
        "This address has opted out of %(channel)s. Reply START from it, or confirm the address again with a code."
    )
    return said % {"channel": error.channel}


def _set_addresses(recipient: Recipient, given: dict[str, str]) -> None:
    """Addresses are locked before the recipient's row. One that stays as it is keeps what is known of it."""
    using = recipient._state.db or DEFAULT_DB_ALIAS
    for field, address in given.items():
        lock_address(address_key(field, address), using=using)
    if given:
        locked = Recipient.objects.using(using).select_for_update(no_key=True).get(pk=recipient.pk)
        for field, address in given.items():
            if getattr(locked, field) != address:
                set_address(locked, field, address, using=using)


def _opt_ins(changes: dict[str, Any]) -> Iterator[tuple[str, Purpose | None, bool]]:
    """Each opt-in or opt-out in `changes`: channel, purpose (None: the whole channel), and whether it is wanted."""
    for word, channel in SWITCHES.items():
        if word in changes:
            yield channel, None, changes[word]
    for channel, purposes in changes.get("opt_ins", {}).items():
        for purpose, is_wanted in purposes.items():
            yield channel, Purpose(purpose), is_wanted


def _name(user: Recipient | AbstractBaseUser) -> str:
    return str(user) if isinstance(user, Recipient) else user.get_username()
