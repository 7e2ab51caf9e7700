"""Sinch's error codes and delivery statuses, and what each means for a message.

Refusals have a code in words: https://developers.sinch.com/docs/sms/api-reference/status-codes. Delivery reports have a
status and a number: https://developers.sinch.com/docs/sms/api-reference/sms/delivery-reports. The comment beside each
is its title there.
"""

from notifications.channels.base import DeliveryReport
from notifications.channels.refusals import Meaning
from notifications.lifecycle import ReceiptStatus

ERRORS: dict[str, Meaning] = {
    "syntax_invalid_json": Meaning.PERMANENT,
    "syntax_invalid_parameter_format": Meaning.PERMANENT,  # "The format of a field is invalid", such as a number's
    "syntax_constraint_violation": Meaning.PERMANENT,  # "The request body does not fulfill all the constraints"
    "unauthorized": Meaning.TRANSIENT,  # the service plan or its token
    "missing_callback_url": Meaning.PERMANENT,  # "Requesting delivery report without any callback URL."
    "unknown_group": Meaning.PERMANENT,
    "unknown_campaign": Meaning.PERMANENT,
    "missing_originator": Meaning.PERMANENT,  # no sender for this country
}

RECEIPT_STATUSES: dict[str, ReceiptStatus] = {
    "Queued": ReceiptStatus.SENT,
    "Dispatched": ReceiptStatus.SENT,
    "Unknown": ReceiptStatus.SENT,  # "Message was delivered to the SMSC but no Delivery Receipt has been received"
    "Delivered": ReceiptStatus.DELIVERED,
    "Aborted": ReceiptStatus.UNDELIVERED,
    "Cancelled": ReceiptStatus.UNDELIVERED,
    "Rejected": ReceiptStatus.UNDELIVERED,
    "Deleted": ReceiptStatus.UNDELIVERED,
    "Failed": ReceiptStatus.UNDELIVERED,
    "Expired": ReceiptStatus.UNDELIVERED,
}


def report_of(status: str, number: object) -> DeliveryReport | None:
    """The report that a `status` and its `number` make; None for a status that Sinch does not describe."""
    reached = RECEIPT_STATUSES.get(status)
    if reached is not ReceiptStatus.UNDELIVERED:
        return DeliveryReport(reached) if reached else None
    name = str(number) if isinstance(number, int) and 0 <= number < 10_000 else status.lower()
    return DeliveryReport(reached, f"sinch_{name}")
