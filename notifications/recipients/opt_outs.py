"""Opts recipients in and out: by profile, STOP and START, unsubscribe link, provider's report, or staff.

An opt-out is for a channel, or for one purpose on it. It also covers messages that already wait: a relay checks again
right before it sends. Each change has a consent record: who made it, when and how.
"""

from enum import StrEnum

from django.db import DEFAULT_DB_ALIAS, transaction

from notifications import conf
from notifications.kinds import Purpose
from notifications.models import ConsentRecord, Recipient
from notifications.policy import phone_numbers
from notifications.policy.consent import opt_out_key
from notifications.policy.reply_keywords import Keyword, keyword_of


class How(StrEnum):
    """How an opt-out or opt-in reached us."""

    PROFILE = "profile"  # the person, signed in
    REPLY = "reply"  # STOP or START, sent to our number
    PROVIDER = "provider"  # the provider refused to send: the person had opted out there
    LINK = "link"  # the unsubscribe link of a message
    STAFF = "staff"


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
    """Undo an opt-out; False if there was none. Other opt-outs stay."""
    change = ConsentRecord(
        recipient_id=recipient.pk, channel=channel, purpose=purpose or "", is_opt_in=True, how=how, actor=actor
    )
    return _apply(change, using=using)


def apply_keyword(*, phone: str, channel: str, text: str, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Opt out or in as `text`, written by `phone` (E.164) on `channel`, says. Returns whether it was a keyword.

    It applies to every recipient with this number, and to the whole channel, because carriers block the whole channel.
    """
    keyword = keyword_of(text, more_stop=conf.stop_words(), more_start=conf.start_words())
    if keyword is None:
        return False
    change = opt_out if keyword is Keyword.STOP else opt_in
    same_number = Recipient.objects.using(using).filter(phone__in=phone_numbers.forms(phone)).exclude(phone="")
    for recipient in same_number.order_by("pk"):
        change(recipient, channel=channel, how=How.REPLY, actor=keyword, using=using)
    return True


def _apply(change: ConsentRecord, *, using: str) -> bool:
    """Change the recipient's opt-outs under the lock of its row, with a consent record; False if nothing changed."""
    word = {opt_out_key(change.channel, change.purpose)}
    with transaction.atomic(using=using):
        rows = Recipient.objects.using(using).select_for_update(no_key=True).only("opt_outs")
        recipient = rows.get(pk=change.recipient_id)
        before = set(recipient.opt_outs)
        after = before - word if change.is_opt_in else before | word
        if after == before:
            return False
        recipient.opt_outs = sorted(after)
        recipient.save(update_fields=["opt_outs"], using=using)
        change.save(using=using)
        return True
