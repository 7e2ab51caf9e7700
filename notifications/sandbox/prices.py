"""What the sandbox charges: so much a segment or WhatsApp message, told some seconds after the message was accepted.

Twilio's answer to a request has no price, and its callbacks have none; the message's resource gets it later.
https://www.twilio.com/docs/messaging/api/message-resource#message-properties
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from notifications.sandbox.journal import Attempt
from notifications.sandbox.resources import charged_segments

NOT_CHARGED = ("failed", "canceled")


@dataclass(slots=True)
class Prices:
    """`each` is the price of a segment, or of a WhatsApp message; `after` how many seconds later it is told."""

    each: Decimal = Decimal("0.00790")
    after: float = 1.0

    def charge(self, attempt: Attempt) -> Decimal | None:
        """What an accepted message of Twilio's costs; None for one that is not charged."""
        if not attempt.sid or attempt.final_status in NOT_CHARGED:
            return None
        return self.each * charged_segments(attempt)

    def told(self, attempt: Attempt) -> Decimal | None:
        """The same, as far as it is told by now."""
        is_told = datetime.now(UTC) - attempt.received_at >= timedelta(seconds=self.after)
        return self.charge(attempt) if is_told else None
