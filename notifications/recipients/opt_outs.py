"""Opts recipients in and out: by profile, STOP and START, unsubscribe link, provider's report, or staff.

An opt-out is for a channel, or for one purpose on it. It also covers messages that already wait: a relay checks again
right before it sends. Each change has a consent record: who made it, when and how.

What came from an address (a reply, a link, a provider's report) belongs to the address: it holds for everybody who has
it, and is lifted from there. What a provider answers to a send is written with the outcome: protocol/sql_opt_outs.
"""

from datetime import datetime
from enum import StrEnum

from django.db import DEFAULT_DB_ALIAS, transaction

from notifications import conf
from notifications.channels import field_of
from notifications.errors import AddressOptedOut
from notifications.kinds import Purpose
from notifications.models import AddressOptOut, ConsentRecord, Recipient
from notifications.policy.address_keys import address_key
from notifications.policy.consent import opt_out_key
from notifications.policy.reply_keywords import Keyword, keyword_of
from notifications.protocol.run_sql import execute
from notifications.protocol.sql_usage import append_opt_outs
from notifications.recipients import addresses

COUNT = append_opt_outs(changed="(VALUES (%(channel)s::text)) AS changed (channel)")


class How(StrEnum):
    """How an opt-out or opt-in reached us."""

    PROFILE = "profile"  # the person, signed in
    REPLY = "reply"  # STOP or START, sent to our number
    PROVIDER = "provider"  # the provider refused to send: the person had opted out there
    LINK = "link"  # the unsubscribe link of a message
    STAFF = "staff"


OF_ADDRESS = frozenset({How.REPLY, How.PROVIDER, How.LINK})


def opt_out(
    recipient: Recipient,
    *,
    channel: str,
    purpose: Purpose | None = None,
    how: How,
    actor: str = "",
    using: str = DEFAULT_DB_ALIAS,
) -> bool:
    """Opt `recipient` out of `channel`, or of `purpose` on it; False if already opted out."""
    change = ConsentRecord(
        recipient_id=recipient.pk, channel=channel, purpose=purpose or "", is_opt_in=False, how=how, actor=actor
    )
    return _apply(change, using=using)


def opt_in(
    recipient: Recipient,
    *,
    channel: str,
    purpose: Purpose | None = None,
    how: How,
    actor: str = "",
    using: str = DEFAULT_DB_ALIAS,
) -> bool:
    """Undo an opt-out; False if there was none. Other opt-outs stay.

    Raises AddressOptedOut if it is the address that refuses, and `how` is the profile.
    """
    change = ConsentRecord(
        recipient_id=recipient.pk, channel=channel, purpose=purpose or "", is_opt_in=True, how=how, actor=actor
    )
    return _apply(change, using=using)


def apply_keyword(*, phone: str, channel: str, text: str, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Opt out or in as `text`, written by `phone` (E.164) on `channel`, says. Returns whether it was a keyword.

    It belongs to the number: it applies to every recipient that has it, now or later, and to the whole channel, because
    carriers block the whole channel.
    """
    keyword = keyword_of(text, more_stop=conf.stop_words(), more_start=conf.start_words())
    if keyword is None:
        return False
    key, word = address_key("phone", phone), opt_out_key(channel)
    with transaction.atomic(using=using):
        addresses.lock_address(key, using=using)
        for recipient in addresses.recipients_at(key, using=using):
            change = ConsentRecord(
                recipient_id=recipient.pk,
                channel=channel,
                purpose="",
                is_opt_in=keyword is not Keyword.STOP,
                how=How.REPLY,
                actor=keyword,
            )
            _write(change, is_of_address=True, using=using)
        _keep(key, word, is_opt_in=keyword is not Keyword.STOP, using=using)
    return True


def _apply(change: ConsentRecord, *, using: str) -> bool:
    """Change the recipient's opt-outs, and those of its address if it came from there; False if nothing changed.

    Raises AddressOptedOut for an opt-in by profile to what the address refuses.
    """
    with transaction.atomic(using=using):
        recipient = Recipient.objects.using(using).get(pk=change.recipient_id)
        key = addresses.key_at(recipient, change.channel)
        is_of_address = change.how in OF_ADDRESS or (
            change.is_opt_in and _may_lift(change, recipient, key, using=using)
        )
        if not (key and is_of_address):
            return _write(change, is_of_address=False, using=using)
        addresses.lock_address(key, using=using)
        changed = _write(change, is_of_address=True, using=using)
        word = opt_out_key(change.channel, change.purpose)
        for other in addresses.recipients_at(key, using=using).exclude(pk=recipient.pk):
            if change.is_opt_in and word not in other.address_opt_outs:
                continue  # the other's own wish
            _write(_copy(change, other), is_of_address=True, using=using)
        _keep(key, word, is_opt_in=change.is_opt_in, using=using)
        return changed


def _may_lift(change: ConsentRecord, recipient: Recipient, key: str, *, using: str) -> bool:
    """Whether the address refuses what is opted in to, and the opt-in may lift that. Raises AddressOptedOut.

    Staff may, on record. The recipient may if a code has proved the address theirs since it refused.
    """
    refused_at = (
        addresses.opt_outs_of(key, using=using).get(opt_out_key(change.channel, change.purpose)) if key else None
    )
    if refused_at is None or change.how != How.PROFILE:
        return refused_at is not None
    verified_at: datetime | None = getattr(recipient, f"{field_of(change.channel)}_verified_at")
    if verified_at is None or verified_at <= refused_at:
        raise AddressOptedOut(change.channel)
    return True


def _copy(change: ConsentRecord, other: Recipient) -> ConsentRecord:
    facts = {name: getattr(change, name) for name in ("channel", "purpose", "is_opt_in", "how", "actor")}
    return ConsentRecord(recipient_id=other.pk, **facts)


def _keep(key: str, word: str, *, is_opt_in: bool, using: str) -> None:
    """Write down what the address refuses. Needs the address's lock."""
    kept = AddressOptOut.objects.using(using)
    if is_opt_in:
        kept.filter(address=key, opt_out=word).delete()
    else:
        kept.bulk_create([AddressOptOut(address=key, opt_out=word)], ignore_conflicts=True)


def _write(change: ConsentRecord, *, is_of_address: bool, using: str) -> bool:
    """Change the recipient's opt-outs under the lock of its row, with a consent record; False if nothing changed."""
    word = {opt_out_key(change.channel, change.purpose)}
    with transaction.atomic(using=using):
        rows = Recipient.objects.using(using).select_for_update(no_key=True).only("opt_outs", "address_opt_outs")
        recipient = rows.get(pk=change.recipient_id)
        before, of_address = set(recipient.opt_outs), set(recipient.address_opt_outs)
        after = before - word if change.is_opt_in else before | word
        if after == before:
            return False
        recipient.opt_outs = sorted(after)
        recipient.address_opt_outs = sorted(
            of_address | word if is_of_address and not change.is_opt_in else of_address - word
        )
        recipient.save(update_fields=["opt_outs", "address_opt_outs"], using=using)
        change.save(using=using)
        if not change.is_opt_in:
            execute(COUNT, {"channel": change.channel}, using=using)
        return True
