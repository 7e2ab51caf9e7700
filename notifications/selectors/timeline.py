"""What happened to a message, oldest first: who published it, each attempt, receipts, and operator actions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q

from notifications.lifecycle import Answer, ReceiptStatus, Status
from notifications.models import DeliveryAttempt, OutboxMessage, Receipt
from notifications.models.audit import OperatorAction, Verb
from notifications.policy.masking import hint
from notifications.selectors.outgoing import address_field_of

MOST_ATTEMPTS = MOST_ACTIONS = 200  # the latest ones

DONE = {
    Verb.REPLAY: "Replayed",
    Verb.CANCEL: "Cancelled",
    Verb.RESCHEDULE: "Moved to another moment",
    Verb.SEND_AGAIN: "Sent again",
    Verb.SEND_PREVIEW: "Asked for by the person themselves",
    Verb.REPLACE: "Replaced by a newer one, in its place",
    Verb.CHANGE_ADDRESS: "Address changed",
    Verb.PAUSE: "Paused",
    Verb.RESUME: "Resumed",
    Verb.MOVE: "Moved to one route",
    Verb.MOVE_BACK: "Moved back to all routes",
    Verb.STOP: "Stopped",
    Verb.DRAIN: "Drained",
}
DETAILED = (Verb.RESCHEDULE, Verb.SEND_AGAIN)
ANSWERED = {
    Answer.ACCEPTED: "accepted",
    Answer.TRANSIENT: "not accepted, will be retried",
    Answer.PERMANENT: "refused",
    Answer.THROTTLED: "not accepted: sent too fast",
    Answer.UNKNOWN: "nobody knows whether it was accepted",
}

RECEIPT_TONES = {
    ReceiptStatus.DELIVERED: "good",
    ReceiptStatus.READ: "good",
    ReceiptStatus.UNDELIVERED: "bad",
    ReceiptStatus.BOUNCED: "bad",
    ReceiptStatus.COMPLAINED: "bad",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `mood` is good, bad, unsure or neutral; `began` is set if it took time."""

    at: datetime
    what: str
    mood: str = "neutral"
    began: datetime | None = None
    by: str = ""
    code: str = ""
    detail: str = ""
    provider_id: str = ""
    bulk: int | None = None

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return None if self.began is None else (self.at - self.began).total_seconds()


def timeline_of(message: OutboxMessage, *, using: str = DEFAULT_DB_ALIAS) -> list[Event]:
    """What happened to `message`, oldest first."""
    events = [
        Event(message.created_at, "Written", by=message.origin),
        *_attempts(message, using=using),
        *_receipts(message, using=using),
        *_actions(message, using=using),
        *_ending(message),
    ]
    return sorted(events, key=lambda event: event.began or event.at)


def _attempts(message: OutboxMessage, *, using: str) -> Iterator[Event]:
    attempts = DeliveryAttempt.objects.using(using).filter(message_id=message.pk).order_by("-claim_number")
    for attempt in attempts[:MOST_ATTEMPTS]:
        answer = Answer(attempt.answer)
        yield Event(
            attempt.ended_at,
            f"Attempt: {ANSWERED[answer]}",
            {Answer.ACCEPTED: "good", Answer.UNKNOWN: "unsure"}.get(answer, "bad"),
            began=attempt.started_at,
            by=f"relay {attempt.relay_id}" + (f", to {hint(attempt.address)}" if attempt.address else ""),
            code=attempt.code,
            detail=attempt.detail,
            provider_id=attempt.provider_id,
        )


def _receipts(message: OutboxMessage, *, using: str) -> Iterator[Event]:
    for receipt in Receipt.objects.using(using).filter(message_id=message.pk)[:MOST_ATTEMPTS]:
        yield Event(
            receipt.received_at,
            f"Receipt: {receipt.status}",
            RECEIPT_TONES.get(ReceiptStatus(receipt.status), "neutral"),
            code=receipt.code,
            detail=" ".join(filter(None, (receipt.detail, _charged(receipt)))),
            provider_id=receipt.provider_id,
        )


def _charged(receipt: Receipt) -> str:
    """What the provider charged, once it has said so."""
    if receipt.price is None:
        return ""
    segments = f", {receipt.segments} segment{'s' * (receipt.segments != 1)}" if receipt.segments else ""
    return f"Charged: {receipt.price.normalize():f} {receipt.currency}{segments}."


def _actions(message: OutboxMessage, *, using: str) -> Iterator[Event]:
    of_it = OperatorAction.objects.using(using).filter(message_id=message.pk)
    for action in of_it.order_by("-pk")[:MOST_ACTIONS]:
        what = DONE[Verb(action.action)]
        what += f" (had failed with {action.error_code})" if action.error_code else ""
        yield Event(action.acted_at, what, by=action.actor, detail=_said(action), bulk=action.bulk_id)
    changes = OperatorAction.objects.using(using).filter(
        Q(recipient_id=message.recipient_id, action=Verb.CHANGE_ADDRESS, acted_at__gte=message.created_at),
        detail__startswith=f"{address_field_of(message)}:",
    )
    for action in changes.order_by("-pk")[:MOST_ACTIONS]:
        words = f"{action.detail}. {action.reason}" if action.reason else action.detail
        yield Event(action.acted_at, DONE[Verb.CHANGE_ADDRESS], by=action.actor, detail=words)


def _said(action: OperatorAction) -> str:
    """Why it was done, and, where a message was moved or sent again, to which moment, or as which message."""
    return ". ".join(filter(None, (action.detail if action.action in DETAILED else "", action.reason)))


def _ending(message: OutboxMessage) -> Iterator[Event]:
    """How the message ended, if neither an attempt nor an action says so."""
    if message.status == Status.EXPIRED and message.finished_at:
        yield Event(message.finished_at, "Expired: not sent in time", "bad")
    if message.status == Status.CANCELLED and message.error_code and message.finished_at:
        yield Event(message.finished_at, "Not sent", "bad", code=message.error_code, detail=message.error_detail)
    if message.status == Status.SENDING and message.claimed_at:
        yield Event(message.claimed_at, "Being sent", by=f"relay {message.relay_id}")
