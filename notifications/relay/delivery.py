"""Delivers one claimed message in small steps. Each step settles it or leaves it to the next.

Is the lease certain? Does the provider have the message already? Is it still of use? Has it killed too many relays? May
it be sent? If no step settles it, it is attempted. Channels are known by their interface only. Every delivery ends
in a settlement, whatever a step or a channel raises or returns: no message is lost to a bug, and no thread ends (G3).
"""

import random as _random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from notifications import conf, kinds
from notifications.channels.base import Channel, Outgoing
from notifications.channels.deadline import Deadline
from notifications.content.localization import zone_of
from notifications.content.rendering import RenderingError
from notifications.lifecycle import ADOPTED, SENT_AGAIN, Accepted, Outcome, Permanent, Status, Transient, Unknown
from notifications.policy.retry import RetryPolicy, judge
from notifications.policy.routes import key_of
from notifications.policy.suppression import hold, suppression
from notifications.protocol.sql_words import HELD_WORDS
from notifications.relay.answers import ask, report_bug, understood
from notifications.relay.breaker import INTERNAL_ERROR, Breaker
from notifications.relay.failover import ASK_AFTER_SECONDS, Answer, Failover, Found
from notifications.relay.lease import Lease
from notifications.relay.messages import NOT_READ, Claimed, Clock, Settlement
from notifications.relay.outcome_checks import storable
from notifications.relay.outgoing import has_bad_sample, outgoing_of
from notifications.relay.words import Words
from notifications.telemetry import current_attempt


class Delivery:
    """Delivers one message at a time, from any thread: Claimed in, Settlement out."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        *,
        lease: Lease,
        policies: Mapping[str, RetryPolicy],
        breakers: Mapping[str, Breaker],
        send_timeout: float,
        random: Callable[[], float] = _random.random,
        clock: Clock = time.monotonic,
        now: Callable[[], datetime] | None = None,
        fresh: Callable[[Claimed], Claimed] | None = None,
        words: Words | None = None,
        failover: Failover | None = None,
    ) -> None:
        self._channels = channels
        self._lease = lease
        self._policies = policies
        self._breakers = breakers
        self._send_timeout = send_timeout
        self._random = random
        self._clock = clock
        self._now = now or lease.database_now
        self._fresh = fresh
        self._words = words
        self._failover = failover
        self._quiet_hours = conf.quiet_hours()  # once: reading a setting takes as long as the rest of a step
        self._allowed_countries = conf.allowed_countries()
        self.is_stopping = False

    def deliver(self, message: Claimed) -> Settlement:
        """Settle `message`: send it, or find a reason not to. Never raises, whatever a step or a channel does.

        If a step before the send raises, no later step runs, so the message was certainly not sent.
        """
        began = self._clock()
        try:
            if self._fresh and not self.is_stopping:
                message = self._fresh(message)  # first: a wait for it must count before the lease is looked at
            return self._settle(message.at(self._clock()))
        except BaseException as error:  # noqa: BLE001  (SystemExit too: it would end this thread and no other)
            report_bug(error, message, self._channels[message.key])
            outcome = Transient(INTERNAL_ERROR, type(error).__name__)
            try:
                return self._judge(message, outcome, began)
            except Exception:  # noqa: BLE001  (a policy that nothing can be judged by: a person must look)
                return Settlement(
                    message, Status.FAILED, message.attempts + 1, outcome=outcome, began=began, ended=began
                )

    def _settle(self, message: Claimed) -> Settlement:
        return (
            self._hand_back(message)
            or self._adopt(message)
            or self._expire(message)
            or self._fail_poison(message)
            or self._skip(message)
            or self._hold(message)
            or self._await_canary(message)
            or self._attempt(message)
        )

    def _hand_back(self, message: Claimed) -> Settlement | None:
        if self.is_stopping or not self._lease.allows_a_send(message.relay_id) or message.earlier is NOT_READ:
            return handed_back(message)
        return None

    def _adopt(self, message: Claimed) -> Settlement | None:
        """A message whose earlier attempt a receipt has proved accepted is sent: no question is needed (G6)."""
        if message.earlier is None or not message.earlier.accepted_as:
            return None
        outcome, now = storable(Accepted(message.earlier.accepted_as, code=ADOPTED)), self._clock()
        sent = Settlement(message, Status.SENT, message.attempts + 1, outcome=outcome, began=now, ended=now)
        proven = message.history.proven if message.history else None
        return sent._replace(address=message.earlier.address, route=proven)

    def _expire(self, message: Claimed) -> Settlement | None:
        if message.is_expired:
            return Settlement(message, Status.EXPIRED, message.attempts, code="expired")
        return None

    def _skip(self, message: Claimed) -> Settlement | None:
        code = suppression(
            message.channel,
            kinds.purpose_of(message.kind),
            opt_outs=message.opt_outs,
            phone=message.phone if self._channels[message.key].address_field == "phone" else "",
            countries=self._allowed_countries,
        )
        return Settlement(message, Status.CANCELLED, message.attempts, code=code) if code else None

    def _hold(self, message: Claimed) -> Settlement | None:
        """In the recipient's quiet hours, take a message that may wait out of its lane, so that the next can go."""
        hours = kinds.quiet_hours_of(message.kind, everywhere=self._quiet_hours)
        if hours is None:
            return None
        held = hold(hours, now=self._now(), time_zone=zone_of(message.time_zone).key, expires_in=message.expires_in)
        if held is None:
            return None
        if held.code:
            return Settlement(message, Status.CANCELLED, message.attempts, code=held.code)
        return Settlement(message, Status.QUEUED, message.attempts, delay=held.seconds)

    def _await_canary(self, message: Claimed) -> Settlement | None:
        """After a deploy, one message of a kind goes before the others."""
        seconds = self._words.must_wait(message) if self._words else None
        if seconds is None:
            return None
        delay = self._until_expiry(message, seconds, self._clock())
        return Settlement(message, Status.PENDING, message.attempts, delay)

    def _fail_poison(self, message: Claimed) -> Settlement | None:
        """A message that was in flight at the loss of too many relays may be what kills them."""
        if message.rescues >= self._policies[message.channel].max_rescues:
            return Settlement(message, Status.FAILED, message.attempts, code="relay_lost")
        return None

    def _attempt(self, message: Claimed) -> Settlement:
        current_attempt.set((message.id, message.claim_number))
        began = self._clock()
        channel = self._channels[message.key]
        address: str = getattr(message, channel.address_field)
        if not address:
            return self._judge(
                message, Permanent("no_address", f"The recipient has no {channel.address_field}."), began
            )
        try:
            outgoing = outgoing_of(message, channel, address)
        except RenderingError as error:
            return self._unworded(message, Permanent("rendering_failed", str(error)), began)
        if self._words:
            self._words.made(message)
        deadline = Deadline.after(self._send_timeout)
        if message.route and self._failover:
            found_on = self._failover.find(message, partial(self._ask, address), seconds=self._send_timeout / 2)
            if found_on is not None:
                return self._judge_found(message, found_on, began)
        elif (found := self._find(message, channel, outgoing)) is not None:
            return self._judge(message, found, began, address=_asked_about(message) or address)
        # The last thing before the call: the question took its time, and meanwhile our session may have been lost.
        if late := self._hand_back(message) or self._expire(message.at(self._clock())):
            return late
        asked_at = self._clock()
        outcome = self._send(message, channel, outgoing, deadline)
        seconds = self._clock() - asked_at
        if self._words:
            self._words.tried(message, outcome)
        return self._judge(message, outcome, began, address=address, seconds=seconds)

    def _unworded(self, message: Claimed, failed: Permanent, began: float) -> Settlement:
        """The words cannot be made: the message fails, or is held while all of its kind, or most, cannot be."""
        is_sample_broken = partial(has_bad_sample, message, self._channels[message.key])
        words = self._words
        held = words.cannot_be_made(message, failed.detail, is_sample_broken=is_sample_broken) if words else None
        if held is None:
            return self._judge(message, failed, began)
        delay = self._until_expiry(message, held * (1 + self._random()) / 2, began)
        detail = storable(failed).detail
        return Settlement(message, Status.PENDING, message.attempts, delay, code=HELD_WORDS, detail=detail)

    def _send(self, message: Claimed, channel: Channel, outgoing: Outgoing, deadline: Deadline) -> Outcome:
        """Whatever the channel raises or returns is an outcome: once it was called, nobody knows what it did."""
        try:
            return _mark_copy(understood(channel.send(outgoing, deadline), message, channel), message)
        except BaseException as error:  # noqa: BLE001  (a bug must not take the thread down, nor lose a message)
            report_bug(error, message, self._channels[message.key])
            return Unknown(INTERNAL_ERROR, type(error).__name__)

    def _find(self, message: Claimed, channel: Channel, outgoing: Outgoing) -> Outcome | None:
        """Ask the provider about an earlier attempt; half the time is left for the send that may follow (G6)."""
        if message.earlier is None or message.earlier.is_shared:
            return None
        deadline = Deadline.after(self._send_timeout / 2)
        outcome = ask(message, channel, outgoing, deadline=deadline, now=self._clock())
        return replace(outcome, code=ADOPTED) if isinstance(outcome, Accepted) else outcome

    def _ask(self, address: str, message: Claimed, route: str, deadline: Deadline) -> Answer:
        """Ask the provider of another route of the message's channel, in that provider's own form."""
        channel = self._channels[key_of(message.channel, route)]
        try:
            outgoing = outgoing_of(message, channel, address)
        except RenderingError:
            return None
        return ask(message, channel, outgoing, deadline=deadline, now=self._clock())

    def _judge(
        self, message: Claimed, outcome: Outcome, began: float, *, address: str = "", seconds: float = 0.0
    ) -> Settlement:
        """The settlement of the attempt that began at `began`, went to `address` and ended in `outcome`.

        `seconds`: how long its provider took.
        """
        outcome = storable(outcome)
        policy = kinds.policy_of(message.kind, self._policies[message.channel])
        charges = self._breakers[message.key].record(outcome, seconds=seconds)
        next_ = self._failover.after(message, outcome) if message.route and self._failover else None
        attempted = partial(
            Settlement,
            message,
            outcome=outcome,
            began=began,
            ended=self._clock(),
            address=address,
            tried=next_.tried if next_ else None,
        )
        if next_ and next_.again_in is not None:
            return attempted(Status.PENDING, message.attempts, self._until_expiry(message, next_.again_in, began))
        verdict = judge(
            next_.judged if next_ else outcome,
            attempts=message.attempts,
            deferrals=message.deferrals,
            policy=policy,
            random=self._random,
            charges=charges,
        )
        delay = verdict.delay_seconds if verdict.status is Status.PENDING else None
        if delay is not None and self._failover and self._failover.asks_soon(message, outcome):
            delay = min(delay, ASK_AFTER_SECONDS)
        delay = self._until_expiry(message, delay, began)
        return attempted(verdict.status, verdict.attempts, delay, deferrals=verdict.deferrals)

    def _judge_found(self, message: Claimed, found: Found, began: float) -> Settlement:
        """What the provider of an earlier route said. A question that was not answered uses up no attempt."""
        attempted = partial(
            Settlement,
            message,
            outcome=storable(found.outcome),
            began=began,
            ended=self._clock(),
            address=_asked_about(message),
            route=found.route,
        )
        if isinstance(found.outcome, Accepted):
            return attempted(Status.SENT, message.attempts + 1)
        return attempted(Status.PENDING, message.attempts, self._until_expiry(message, found.again_in, began))

    def _until_expiry(self, message: Claimed, delay: float | None, began: float) -> float | None:
        """`delay`, or what is left until the message expires: it is due then, to end, and its lane goes on."""
        if delay is None or message.expires_in is None:
            return delay
        return max(0.0, min(delay, message.expires_in - (self._clock() - began)))


def _asked_about(message: Claimed) -> str:
    """The address that an earlier attempt went to; empty if nobody knows."""
    return message.earlier.address if message.earlier else ""


def _mark_copy(outcome: Outcome, message: Claimed) -> Outcome:
    """Mark the outcome where the provider may have accepted a second copy (G6)."""
    if isinstance(outcome, Accepted) and message.unknown_since is not None:
        return replace(outcome, code=SENT_AGAIN)
    return outcome


def handed_back(message: Claimed) -> Settlement:
    """Return `message` as if it had never been claimed, except that its claim number stays raised."""
    return Settlement(message, Status.PENDING, message.attempts)
