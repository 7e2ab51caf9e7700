"""What a cancellation gives back by the rules of a slot: until when how much, for its page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bookings import cancellation
from bookings.models import Slot


@dataclass(frozen=True, slots=True)
class Step:
    """Until `until`, an ISO 8601 moment, a cancellation gives back `amount` minor units a seat."""

    until: str
    amount: int


@dataclass(frozen=True, slots=True)
class RefundRules:
    """The steps that still matter: everything back, then a share of it, then nothing."""

    free: Step | None
    share: Step | None


def refund_rules(slot: Slot, *, now: datetime) -> RefundRules:
    """What the rules of `slot` mean for who books one seat of it `now`."""
    free_until = slot.starts_at - timedelta(hours=slot.free_cancellation_hours)
    share_until = slot.starts_at - timedelta(hours=slot.no_refund_hours)
    has_share = bool(slot.late_refund_percent) and free_until < share_until and now < share_until
    share = cancellation.refundable(slot.price, slot=slot, now=share_until)
    return RefundRules(
        free=Step(free_until.isoformat(), slot.price) if now < free_until else None,
        share=Step(share_until.isoformat(), share) if has_share else None,
    )
