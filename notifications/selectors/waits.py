"""Says what a message waits for now, for admin and API. It needs a few indexed queries.

Each wait is a phrase that goes on from the message's name: "is behind message 812, which is retried at 12:03:10 UTC,
because the provider has trouble of its own (twilio_30008)". The codes are for programs, and stay.

    behind     an older message of the lane is not done       paused    somebody paused the channel
    retry      an attempt failed, and the next has its time   broken    the channel's provider is out of service
    later      it has its time                                limited   the channel's rate lets no more through now
    sending    a relay is sending it                          unknown_channel   no such channel is configured
    lost       the relay that was sending it is gone          no_relay  no relay is running
    quiet      it may wait, and its recipient has quiet hours       spend_cap   the day's money for its country is spent
    due        nothing: the next relay that is free takes it
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import inf

from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone

from notifications import conf
from notifications.channels import channel_names
from notifications.lifecycle import HEAD, HELD, Status
from notifications.models import ChannelState, OutboxMessage, Relay
from notifications.policy.causes import reason
from notifications.policy.runbook import OF_WAITS
from notifications.policy.spending import SPEND_CODE
from notifications.selectors.database_clock import database_now
from notifications.selectors.turns import IN_TURN, TURN, before, turn_of

MOST_COUNTED = 1_000  # messages in front; more are "more than"


@dataclass(frozen=True, slots=True)
class Wait:
    """One thing that a message waits for: `words` for people, and where to look further."""

    code: str
    words: str
    message: int | None = None
    channel: str = ""
    until: datetime | None = None

    @property
    def trouble(self) -> str:
        """The name of its page in the runbook; empty where it is no trouble."""
        return OF_WAITS[self.code].name if self.code in OF_WAITS else ""


def waits_of(message: OutboxMessage, *, using: str = DEFAULT_DB_ALIAS) -> list[Wait]:
    """What `message` waits for, the most important first; nothing if it has ended."""
    if Status(message.status).is_terminal:
        return []
    now = database_now(using)
    if message.status != Status.QUEUED:
        return list(_waits_of_head(message, now=now, using=using))
    if message.lane == HELD:
        return [_held(message, now=now)]
    lane = OutboxMessage.objects.using(using).filter(recipient_id=message.recipient_id, lane=message.lane)
    head = next(iter(lane.filter(status__in=HEAD)), None)  # at most one; first() would read all messages by ID
    if head is None:  # it was just done: the next in the lane takes its place in the same transaction
        return [Wait("behind", "is about to lead its lane")]
    reasons = list(_waits_of_head(head, now=now, using=using))
    why = " and ".join(reason.words for reason in reasons)
    behind = Wait("behind", f"is behind message {head.pk}{_and_others(message, using=using)}, which {why}", head.pk)
    return [behind, *(reason for reason in reasons if reason.channel or reason.code == "no_relay")]


def said(moment: datetime, *, now: datetime) -> str:
    """A moment as staff read it: only the time, if it is today."""
    at, today = timezone.localtime(moment), timezone.localtime(now)
    return f"{at:%H:%M:%S %Z}" if at.date() == today.date() else f"{at:%Y-%m-%d %H:%M:%S %Z}"


def _held(message: OutboxMessage, *, now: datetime) -> Wait:
    """What a message waits for that is beside all lanes."""
    until = message.next_attempt_at
    if message.waits_for_its_moment:
        return Wait("later", f"is to be sent at {said(until, now=now)}", until=until)
    if message.error_code == SPEND_CODE:
        words = f"waits because {reason(SPEND_CODE)}, and is looked at again at {said(until, now=now)}"
        return Wait(SPEND_CODE, words, until=until)
    return Wait("quiet", f"is held until the recipient's quiet hours end, at {said(until, now=now)}", until=until)


def _waits_of_head(head: OutboxMessage, *, now: datetime, using: str) -> Iterator[Wait]:
    if head.status == Status.SENDING:
        yield _sending(head, now=now, using=using)
        return
    if head.channel not in channel_names():
        yield Wait("unknown_channel", f"needs a channel {head.channel}, and none of this name is configured")
    channel = ChannelState.objects.using(using).filter(name=head.channel).first()
    blocked = _blocked(channel, now=now) if channel else None
    if blocked:
        yield blocked
    if head.next_attempt_at > now:
        yield _later(head, now=now)
    elif not blocked:
        yield Wait("due", f"is due since {said(head.next_attempt_at, now=now)} and goes as soon as a relay takes it")
    if not Relay.objects.using(using).filter(lease_until__gte=now).exists():
        yield Wait("no_relay", "needs a relay, and none is running")


def _sending(head: OutboxMessage, *, now: datetime, using: str) -> Wait:
    relay = Relay.objects.using(using).filter(pk=head.relay_id or 0, lease_until__gte=now).first()
    claimed = head.claimed_at or now
    if relay is None:
        since = said(claimed, now=now)
        return Wait("lost", f"was being sent since {since} by relay {head.relay_id}, which is gone; another takes over")
    seconds = max((now - claimed).total_seconds(), 0)
    return Wait("sending", f"is being sent by relay {relay.pk} on {relay.host} for {seconds:.0f} s")


def _blocked(channel: ChannelState, *, now: datetime) -> Wait | None:
    name = channel.name
    if channel.paused_at:
        why = f" because “{channel.pause_reason}”" if channel.pause_reason else ""
        words = f"waits while {name} is paused, by {channel.paused_by} since {said(channel.paused_at, now=now)}{why}"
        return Wait("paused", words, channel=name)
    if channel.broken_at and channel.probe_at:
        why = f", because {reason(channel.last_error)}" if channel.last_error else ""
        words = (
            f"waits for the provider of {name}, out of service since {said(channel.broken_at, now=now)}{why}; "
            f"one message tries it again {'at ' + said(channel.probe_at, now=now) if channel.probe_at > now else 'now'}"
        )
        return Wait("broken", words, channel=name, until=channel.probe_at)
    if channel.next_slot_at > now and conf.rate(name) < inf:
        words = f"waits for its turn: {name} may send {conf.rate(name):g} messages a second"
        return Wait("limited", words, channel=name, until=channel.next_slot_at)
    return None


def _later(head: OutboxMessage, *, now: datetime) -> Wait:
    at = said(head.next_attempt_at, now=now)
    if not head.error_code:
        return Wait("later", f"is not sent before {at}", until=head.next_attempt_at)
    why = reason(head.error_code, head.error_detail)
    return Wait("retry", f"is retried at {at}, because {why}", until=head.next_attempt_at)


def _and_others(message: OutboxMessage, *, using: str) -> str:
    """How many messages wait between the head and `message`."""
    queued = OutboxMessage.objects.using(using).filter(
        recipient_id=message.recipient_id, lane=message.lane, status=Status.QUEUED.value
    )
    ahead = queued.annotate(turn=TURN).filter(before(message), turn__lte=turn_of(message))
    between = ahead.order_by("recipient", "lane", *IN_TURN)[: MOST_COUNTED + 1].count()
    if not between:
        return ""
    return f" and {between} more" if between <= MOST_COUNTED else f" and more than {MOST_COUNTED} more"
