"""What happens in the outbox, as events. This table is complete; whoever wants metrics or traces subscribes here.

    event                 level    fields
    message.sent          debug    message, claim, channel, kind, attempts, code
    message.retry         info     the same; code says why
    message.failed        warning  the same: the dead letter
    message.expired       info     the same
    message.handed_back   debug    the same: claimed, and not begun when the relay stopped
    message.rescued       warning  message: its relay was lost, the outcome is unknown
    settle.stale          warning  message, claim: another relay has taken over; nothing was changed
    dispatch.error        error    message, claim, error: a bug in a channel; counted as an unknown outcome
    channel.paused        warning  channel: somebody paused it
    channel.resumed       info     channel
    channel.broken        warning  channel: its provider is out of service; messages wait and use up no attempts
    channel.recovered     info     channel: the backlog goes out at a rising rate
    relay.started         info     relay, channels, concurrency
    relay.buried          warning  relay: declared dead
    relay.outlived        warning  relay: declared dead by another while it was away; it goes on under a new number
    relay.disconnected    warning  error: the database is away; the relay tries again
    relay.reconnected     info     relay
    relay.stopping        info     relay, in_flight
    relay.abandoned       error    in_flight: had to end while the database was away; others rescue what it held
    relay.stopped         info     relay

No field ever holds an address, a name, a text or a secret (G12): ids and codes only.
"""

import logging

logger = logging.getLogger("notifications")

LEVELS = {
    "message.sent": logging.DEBUG,
    "message.retry": logging.INFO,
    "message.failed": logging.WARNING,
    "message.expired": logging.INFO,
    "message.handed_back": logging.DEBUG,
    "message.rescued": logging.WARNING,
    "settle.stale": logging.WARNING,
    "dispatch.error": logging.ERROR,
    "channel.paused": logging.WARNING,
    "channel.resumed": logging.INFO,
    "channel.broken": logging.WARNING,
    "channel.recovered": logging.INFO,
    "relay.started": logging.INFO,
    "relay.buried": logging.WARNING,
    "relay.outlived": logging.WARNING,
    "relay.disconnected": logging.WARNING,
    "relay.reconnected": logging.INFO,
    "relay.stopping": logging.INFO,
    "relay.abandoned": logging.ERROR,
    "relay.stopped": logging.INFO,
}


def emit(event: str, **fields: object) -> None:
    """Tell the subscribers that `event` happened."""
    level = LEVELS[event]
    if logger.isEnabledFor(level):
        words = " ".join(f"{name}={value}" for name, value in fields.items())
        logger.log(
            level, "%s %s", event, words, extra={"event": event, **{f"outbox_{k}": v for k, v in fields.items()}}
        )
