"""What happens in the outbox, as events. This table is complete; logs, metrics, traces and the watchdog subscribe here.

    event                 level    fields
    message.sent          debug    message, claim, channel, kind, attempts, code; and, where an attempt was made:
                                   answer, seconds (the attempt took), age (from the message's publication to the
                                   attempt's end), ago (since then), traceparent (where it was published, if traced)
    message.retry         info     the same; code says why
    message.failed        warning  the same: the dead letter
    message.expired       info     the same
    message.held          info     the same: until the end of its recipient's quiet hours
    message.suppressed    info     the same: not to be sent, for example because its recipient has opted out
    message.handed_back   debug    the same: claimed, and not begun when the relay stopped
    message.rescued       warning  message: its relay was lost, the outcome is unknown
    settle.divided        error    messages, error: a batch could not be written, so its settlements are written singly
    claim.made            debug    messages, seconds: a claim that found something
    claim.reply_lost      warning  relay, messages: a claim's reply was lost; what it had taken was returned
    settle.made           debug    messages, waiting (for a locked recipient), seconds
    settle.stale          warning  message, claim: another relay has taken over; nothing was changed
    receipt.recorded      debug    message, claim, status, code: news of a message that was accepted earlier
    receipt.unheard_of    warning  message, claim, code: a status that we do not know yet; kept as the receipt's code
    webhook.refused       warning  provider, reason: not signed by the provider, or not in the shape that it sends
    dispatch.error        error    message, claim, channel, by (the channel's class), error (a type): a bug; the attempt
                                   is recorded, as of unknown outcome if the channel may have sent it
    channel.paused        warning  channel: somebody paused it
    channel.resumed       info     channel
    channel.broken        warning  channel: its provider is out of service; messages wait and use up no attempts
    channel.recovered     info     channel: the backlog goes out at a rising rate
    kind.held             warning  kind, channel: its words cannot be made; its messages wait and use up no attempts
    kind.freed            info     kind, channel: they can be made again, and its messages go on
    devices.forgotten     info     devices (how many): browsers whose push service says that they are gone
    alert.raised          error    alert: something is wrong, `monitoring.alert_rules` says what
    alert.cleared         info     alert: it has not been so for a while
    contact.failed        debug    error (a type): OUTBOX_CONTACT_OF did not say where somebody is; the copy was used
    contact.failing       error    error: the same, for the first in a row
    clock.failed          error    job, error (a type): it runs again when it is due
    clock.waiting         warning  error: the database is away or can only be read; the clock asks again
    relay.started         info     relay, channels, concurrency
    relay.beat            debug    relay, in_flight: the loop has turned, and its lease is extended
    relay.declared_dead   warning  relay: the one that this relay declared dead
    relay.outlived        warning  relay: was declared dead while it was away; it goes on under a new id
    relay.disconnected    warning  error: the database is away; the relay tries again
    relay.reconnected     info     relay
    relay.stopping        info     relay, in_flight
    relay.abandoned       error    in_flight: had to end while the database was away; others rescue what it held
    relay.stopped         info     relay
    relay.process_ended   warning  process, code, replaced_in (seconds): a relay under a supervisor ended
    relay.process_stuck   error    process: a relay under a supervisor hung, and was killed

Where there are shards, what happens in one has the field shard.

No field ever holds an address, a name, a text or a secret (G12): ids and codes only. A field that is None has nothing
to say and is left out of the log.
"""

import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar

from notifications import shards

logger = logging.getLogger("notifications")

# The message and the claim number of the attempt that this thread is making, for whatever is logged meanwhile.
current_attempt: ContextVar[tuple[int, int] | None] = ContextVar("current_attempt", default=None)

# The database whose relay's loop this thread runs, where a process has several; empty in all other threads.
current_loop: ContextVar[str] = ContextVar("current_loop", default="")

Subscriber = Callable[[str, Mapping[str, object]], None]

LEVELS = {
    "message.sent": logging.DEBUG,
    "message.retry": logging.INFO,
    "message.failed": logging.WARNING,
    "message.expired": logging.INFO,
    "message.held": logging.INFO,
    "message.suppressed": logging.INFO,
    "message.handed_back": logging.DEBUG,
    "message.rescued": logging.WARNING,
    "settle.divided": logging.ERROR,
    "claim.made": logging.DEBUG,
    "claim.reply_lost": logging.WARNING,
    "settle.made": logging.DEBUG,
    "settle.stale": logging.WARNING,
    "receipt.recorded": logging.DEBUG,
    "receipt.unheard_of": logging.WARNING,
    "webhook.refused": logging.WARNING,
    "dispatch.error": logging.ERROR,
    "channel.paused": logging.WARNING,
    "channel.resumed": logging.INFO,
    "channel.broken": logging.WARNING,
    "channel.recovered": logging.INFO,
    "kind.held": logging.WARNING,
    "kind.freed": logging.INFO,
    "devices.forgotten": logging.INFO,
    "alert.raised": logging.ERROR,
    "alert.cleared": logging.INFO,
    "contact.failed": logging.DEBUG,
    "contact.failing": logging.ERROR,
    "clock.failed": logging.ERROR,
    "clock.waiting": logging.WARNING,
    "relay.started": logging.INFO,
    "relay.beat": logging.DEBUG,
    "relay.declared_dead": logging.WARNING,
    "relay.outlived": logging.WARNING,
    "relay.disconnected": logging.WARNING,
    "relay.reconnected": logging.INFO,
    "relay.stopping": logging.INFO,
    "relay.abandoned": logging.ERROR,
    "relay.stopped": logging.INFO,
    "relay.process_ended": logging.WARNING,
    "relay.process_stuck": logging.ERROR,
}


def emit(event: str, **fields: object) -> None:
    """Tell the subscribers that `event` happened. One that fails is logged, and changes nothing for anybody else."""
    for tell in _subscribers:
        try:
            tell(event, fields)
        except Exception:  # a bug in a metric must not stop a relay
            logger.exception("a subscriber of %s failed", event)


def subscribe(subscriber: Subscriber) -> Callable[[], None]:
    """Have `subscriber` told of every event from now on, by whatever thread it happens in; returns what ends that."""
    global _subscribers  # noqa: PLW0603  (replaced, never changed: another thread may be going through it)
    _subscribers = (*_subscribers, subscriber)

    def unsubscribe() -> None:
        global _subscribers  # noqa: PLW0603
        _subscribers = tuple(each for each in _subscribers if each is not subscriber)

    return unsubscribe


def _log(event: str, fields: Mapping[str, object]) -> None:
    level = LEVELS[event]
    if logger.isEnabledFor(level):
        told = {name: _short(value) for name, value in fields.items() if value is not None}
        if shard := shards.current():
            told["shard"] = shard
        words = " ".join(f"{name}={value}" for name, value in told.items())
        logger.log(level, "%s %s", event, words, extra={"event": event, "outbox": told})


def _short(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value


_subscribers: tuple[Subscriber, ...] = (_log,)
