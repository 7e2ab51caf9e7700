"""What channels answer to a send and to a question, made sure to be an outcome. A bug in a channel is reported."""

from notifications.channels.base import Channel, Outgoing
from notifications.channels.deadline import Deadline
from notifications.lifecycle import Accepted, Outcome, Throttled, Transient
from notifications.relay.breaker import BAD_OUTCOME
from notifications.relay.messages import Claimed
from notifications.relay.outcome_checks import has_right_types, says_the_same, well_typed
from notifications.telemetry import emit


def understood(answer: object, message: Claimed, channel: Channel) -> Outcome:
    """`answer` as an outcome with fields of the right types. What was no such outcome is reported."""
    if has_right_types(answer):
        return answer
    typed = well_typed(answer)
    if not says_the_same(typed, answer):
        report_bug(answer, message, channel)
    return typed


def ask(
    message: Claimed, channel: Channel, outgoing: Outgoing, *, deadline: Deadline, now: float
) -> Accepted | Transient | Throttled | None:
    """Ask the channel's provider about the message's earlier attempts; None: it does not have it, or cannot tell.

    `now` is a reading of Clock.
    """
    earlier = message.earlier
    if earlier is None:
        return None
    found: object = channel.find(
        outgoing._replace(address=earlier.address or outgoing.address),
        began_ago=earlier.began_ago + now - earlier.read_at,
        unknown_for=earlier.unknown_for + now - earlier.read_at,
        known=earlier.known,
        deadline=deadline,
    )
    if found is None:
        return None
    outcome = understood(found, message, channel)
    if isinstance(outcome, Accepted | Transient | Throttled):
        return outcome
    return Transient(BAD_OUTCOME, type(found).__name__)


def report_bug(error: object, message: Claimed, channel: Channel) -> None:
    """Log what nobody expected, by its type and the channel's class; its words may name a person (G12)."""
    emit(
        "dispatch.error",
        message=message.id,
        claim=message.claim_number,
        channel=message.channel,
        by=type(channel).__qualname__,
        error=type(error).__name__,
    )
