"""Delivers what is due, on the test's own connection and thread, through memory channels.

The steps are the relay's own: claim, caps, delivery (expiry, opt-outs, quiet hours, rendering, retries), settle, with
its fallbacks and the promotion of the next in each lane. So a test sees the rules that production has. What needs other
processes is left out: breakers, rates, paused channels, rescue, and the questions to a provider.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import DEFAULT_DB_ALIAS
from django.db.models import F

from notifications import conf
from notifications.channels import memory_channels
from notifications.channels.base import Channel, Outgoing
from notifications.channels.memory import is_test_run
from notifications.content.localization import localized
from notifications.lifecycle import UNFINISHED, Outcome
from notifications.models import OutboxMessage, PlannedFallback
from notifications.operations.release_held import release_due
from notifications.policy.attachment import File
from notifications.policy.letterhead import PLAIN, Letterhead
from notifications.receipts.late_fallback import fall_back_due
from notifications.recipients.user_contact import read_for_sends
from notifications.relay.breaker import Breaker
from notifications.relay.caps import Caps
from notifications.relay.claim import Claimer
from notifications.relay.connection import Connection
from notifications.relay.delivery import Delivery
from notifications.relay.enrich import enrich
from notifications.relay.lease import Lease
from notifications.relay.messages import Claimed, Settlement
from notifications.relay.settle import settle
from notifications.selectors.database_clock import database_now
from notifications.testing.connection import own_connection

AT_ONCE = 100  # messages claimed of each channel
MOST_ROUNDS = 1000  # against a message that is tried for ever
LEASE_SECONDS = 3600.0
NOT_YET = timedelta()


class Sent(NamedTuple):
    """A message that a channel accepted: where it went, its words under the names of the channel's parts, its files."""

    message_id: int
    kind: str
    channel: str
    to: str
    parts: Mapping[str, str]
    locale: str
    unsubscribe_url: str
    files: tuple[File, ...] = ()
    letterhead: Letterhead = PLAIN

    @property
    def text(self) -> str:
        return self.parts.get("text", "")

    @property
    def subject(self) -> str:
        return self.parts.get("subject", "")

    def file(self, name: str) -> File:
        """The attachment called `name`. Raises AssertionError, which lists those that there are."""
        for file in self.files:
            if file.name == name:
                return file
        names = ", ".join(repr(file.name) for file in self.files)
        raise AssertionError(f"The message carries no {name!r}, but {names or 'no files'}.")

    @property
    def html(self) -> str:
        return self.parts.get("html", "")


def drain(
    *, ahead: timedelta = NOT_YET, answers: Mapping[str, Outcome] | None = None, using: str = DEFAULT_DB_ALIAS
) -> list[Sent]:
    """Deliver every message that is due, in the order of its lane; returns what was sent, in the order of sending.

    `ahead`: so much time is taken to have passed since the last call. Retries, held messages and late fallbacks that
    fall due by then are delivered, and what has expired by then is not. `answers` holds the outcome that a channel
    gives, by the channel's name: `Permanent("smtp_550")`, say, to see the fallback. The others accept everything.

    Emails are in `django.core.mail.outbox` as well. Raises RuntimeError outside a test run, where messages would be
    recorded as sent that nobody got.
    """
    if not is_test_run():
        raise RuntimeError("drain() is for tests, and Django's test environment is not set up in this process.")
    sent: list[Sent] = []

    def record(channel: str, outgoing: Outgoing) -> None:
        sent.append(_sent(channel, outgoing))

    channels = memory_channels(answers=answers, record=record)
    try:
        _let_time_pass(ahead, using=using)
        _Drain(channels, ahead=ahead, using=using).run()
    finally:
        for channel in channels.values():
            channel.close()
    return sent


def _sent(channel: str, outgoing: Outgoing) -> Sent:
    return Sent(
        outgoing.message_id,
        outgoing.kind,
        channel,
        outgoing.address,
        outgoing.parts,
        outgoing.locale,
        outgoing.unsubscribe_url,
        outgoing.files,
        outgoing.letterhead,
    )


def _let_time_pass(ahead: timedelta, *, using: str) -> None:
    """Move what waits back by `ahead`, and do what the clock does: release held messages, fall back late."""
    if ahead:
        waiting = OutboxMessage.objects.using(using).filter(status__in=UNFINISHED)
        waiting.update(next_attempt_at=F("next_attempt_at") - ahead, expires_at=F("expires_at") - ahead)
        planned = PlannedFallback.objects.using(using).filter(due_at__isnull=False)
        planned.update(due_at=F("due_at") - ahead)
    release_due(using=using)
    fall_back_due(using=using)


class _Drain:
    """One relay's moves, by hand."""

    def __init__(self, channels: Mapping[str, Channel], *, ahead: timedelta, using: str) -> None:
        self._channels = channels
        self._using = using
        self._connection: Connection = own_connection(using)
        self._now = database_now(using) + ahead
        self._lease = Lease(seconds=LEASE_SECONDS, margin=0.0, concurrency=1, holds_lock=False)
        self._caps = Caps(conf.caps(), address_fields={name: each.address_field for name, each in channels.items()})
        self._claimer = Claimer()

    def run(self) -> None:
        self._lease.take(self._connection)
        try:
            for _ in range(MOST_ROUNDS):
                if not self._turn():
                    return
        finally:
            self._lease.leave(self._connection)
        raise AssertionError(f"After {MOST_ROUNDS} rounds a message is still due: it is tried again without a delay.")

    def _turn(self) -> bool:
        """Claim, deliver, settle; False if nothing was due."""
        limits = dict.fromkeys(self._channels, AT_ONCE)
        claimed = self._claimer.claim(self._connection, relay_id=self._lease.relay_id, limits=limits)
        allowed, over_caps = self._caps.apply(self._connection, claimed)
        messages = enrich(self._connection, allowed, channels=self._channels, asks=False)
        self._settle([*over_caps, *map(self._deliver, messages)])
        return bool(claimed)

    def _deliver(self, message: Claimed) -> Settlement:
        delivery = Delivery(
            self._channels,
            lease=self._lease,
            policies={name: conf.retry_policy(name) for name in self._channels},
            breakers={name: Breaker() for name in self._channels},  # new ones: tests of refusals are no outage
            send_timeout=conf.send_timeout_seconds(),
            now=self._moment,
            fresh=self._fresh if conf.contact_of() else None,
        )
        with localized(message.locale, message.time_zone):  # delivery switches the language, for its own thread
            return delivery.deliver(message)

    def _fresh(self, message: Claimed) -> Claimed:
        found = read_for_sends([message.recipient_id], using=self._using)
        return message._replace(**found.get(message.recipient_id, {}))

    def _settle(self, settlements: Sequence[Settlement]) -> None:
        if not settlements:
            return
        now = self._lease.clock()
        settled = settle(self._connection, settlements, relay_id=self._lease.relay_id, now=now)
        if settled.waiting:
            raise AssertionError("Another connection holds a recipient's lock: drain() cannot wait for it.")

    def _moment(self) -> datetime:
        return self._now
