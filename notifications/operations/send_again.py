"""Sends a message again that went out: a new message with the same facts, linked to the original, on record.

It is rendered anew, in today's words and for today's address, and goes last in its lane (G4). Caps, opt-outs, quiet
hours and the original's expiry hold for it. What may not be sent again, and why, `NotSentAgain` says.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone

from notifications import conf, kinds, origin
from notifications.channels import needs_of
from notifications.errors import NotSentAgain
from notifications.lifecycle import UNFINISHED, Status
from notifications.models import OutboxMessage, Recipient
from notifications.models.audit import Verb
from notifications.models.repeat import Repeat
from notifications.operations.record_action import record
from notifications.policy.suppression import suppression
from notifications.protocol import sql_repeat
from notifications.protocol.lanes import locked_lanes
from notifications.selectors.database_clock import database_now

DAY = timedelta(days=1)
NOT_NOW = {
    Status.QUEUED: ("waits", "It still waits, and goes out by itself."),
    Status.PENDING: ("waits", "It still waits, and goes out by itself."),
    Status.SENDING: ("waits", "It is being sent just now."),
    Status.CANCELLED: ("withdrawn", "It was withdrawn, or was not wanted."),
    Status.EXPIRED: ("too_late", "It is of no use any more: it was not sent in time."),
}


def send_again(
    message_id: int, *, channel: str = "", actor: str = "", reason: str = "", using: str = DEFAULT_DB_ALIAS
) -> OutboxMessage:
    """Write a message that says the same to the same recipient, on `channel`, or on the same one; returns it.

    One transaction, or the caller's. Without an `actor` it is the request that is on record. Whether the caller may see
    the message is the caller's to check. Raises NotSentAgain, with nothing written.
    """
    actor = actor or origin.current() or "the application"
    rows = OutboxMessage.objects.using(using)
    with locked_lanes(rows.filter(pk=message_id).values_list("recipient_id", flat=True), using=using) as lanes:
        message = rows.select_related("recipient", "repeat_of").filter(pk=message_id).first()
        if message is None:
            raise NotSentAgain("gone", f"There is no message {message_id} any more.")
        channel, now = channel or message.channel, database_now(using)
        if refusal := _refusal(message, channel, now=now):
            raise refusal
        original = message.repeat_of.original_id if hasattr(message, "repeat_of") else message.pk
        _check_repeats(original, channel, now=now, using=using)
        lane = kinds.lane_name(message.kind, channel)
        written = {"id": message_id, "original": original, "channel": channel, "lane": lane}
        ((repeat,),) = lanes.fetch_all(sql_repeat.REPEAT, written | {"origin": origin.current()})
        lanes.changed.add((message.recipient_id, lane))
        detail = f"as message {repeat}, by {channel}"
        record(Verb.SEND_AGAIN, message=message, actor=actor, reason=reason, detail=detail, using=using)
    return rows.select_related("recipient").get(pk=repeat)


def ways_again(message: OutboxMessage, *, now: datetime | None = None) -> list[str]:
    """The channels on which `message` may be sent again, its own one first, as far as its row and its recipient's say.

    No query beyond the recipient's. Whether it was sent again too often, `send_again` finds out.
    """
    now = now or timezone.now()
    channels = sorted(kinds.ways_to_repeat(message.kind), key=lambda name: name != message.channel)
    return [channel for channel in channels if not _refusal(message, channel, now=now)]


def _refusal(message: OutboxMessage, channel: str, *, now: datetime) -> NotSentAgain | None:
    """Why `message` may not be sent again on `channel`; None if it may."""
    return next(_refusals(message, channel, now=now), None)


def _refusals(message: OutboxMessage, channel: str, *, now: datetime) -> Iterator[NotSentAgain]:
    ways = kinds.ways_to_repeat(message.kind)
    if message.recipient.erased_at:
        yield NotSentAgain("forgotten", "Its recipient was forgotten, and what it said with them.")
    if not ways:
        yield NotSentAgain("kind", "Messages of this kind are not sent again: ask for a new one where it came from.")
    if problem := NOT_NOW.get(Status(message.status)):
        yield NotSentAgain(*problem)
    if message.status == Status.FAILED and channel == message.channel:
        yield NotSentAgain("failed", "It failed, and did not go out: replay it, or choose another channel.")
    if message.expires_at and message.expires_at <= now:
        yield NotSentAgain("too_late", "It is of no use any more: its time has passed.")
    if channel not in ways:
        yield NotSentAgain("channel", f"Messages of this kind are not sent by {channel}.")
    if problem := _unreachable(message.recipient, channel, purpose=kinds.purpose_of(message.kind)):
        yield NotSentAgain(*problem)


def _unreachable(recipient: Recipient, channel: str, *, purpose: str) -> tuple[str, str] | None:
    """Why the recipient cannot be written to on `channel`: a code, and words."""
    needs = needs_of(channel)
    if needs is None:
        return "channel", f"No channel called {channel} is configured."
    address = str(getattr(recipient, needs.address_field))
    if not address:
        return "no_address", f"The recipient has no {needs.address_field}."
    phone = address if needs.address_field == "phone" else ""
    countries = conf.allowed_countries()
    code = suppression(channel, purpose, opt_outs=recipient.opt_outs, phone=phone, countries=countries)
    return (code, f"The recipient may not be written to by {channel}: {code}.") if code else None


def _check_repeats(original: int, channel: str, *, now: datetime, using: str) -> None:
    """Needs the lane's lock, so that two requests at once do not both pass. Raises NotSentAgain."""
    repeats = Repeat.objects.using(using).filter(original_id=original)
    if repeats.filter(message__channel=channel, message__status__in=[status.value for status in UNFINISHED]).exists():
        raise NotSentAgain("under_way", "It is being sent again already.")
    lately = repeats.filter(message__created_at__gt=now - DAY).order_by("-message__created_at")
    most = int(conf.setting("OUTBOX_CAP_REPEATS_DAY"))
    moments = list(lately.values_list("message__created_at", flat=True)[:most]) if most else []
    if most and len(moments) == most:
        seconds = int((moments[-1] + DAY - now).total_seconds()) + 1
        raise NotSentAgain("too_often", f"It was sent again {most} times within a day.", retry_after=seconds)
