"""Vonage's status and error codes, and what each means for a message.

The answer to a request has a status for each part of the message, 0 where it was accepted:
https://developer.vonage.com/api-errors/sms. A delivery receipt has a status and an error code:
https://developer.vonage.com/en/messaging/sms/guides/delivery-receipts and
https://api.support.vonage.com/hc/en-us/articles/204014733. The comment beside each is its title there.
"""

from notifications.channels.base import DeliveryReport
from notifications.channels.refusals import REASONS, Meaning
from notifications.lifecycle import ReceiptStatus

ERRORS: dict[str, Meaning] = {
    "1": Meaning.THROTTLED,  # "Throttled"
    "2": Meaning.PERMANENT,  # "Missing Parameters"
    "3": Meaning.PERMANENT,  # "Invalid Parameters"
    "4": Meaning.TRANSIENT,  # "Invalid Credentials": mended without touching the message
    "5": Meaning.UNSURE,  # "Internal Error … whilst processing this message"
    "6": Meaning.PERMANENT,  # "Invalid Message", "for example, an un-recognized number prefix"
    "7": Meaning.PERMANENT,  # "Number Barred"
    "8": Meaning.TRANSIENT,  # "Partner Account Barred"
    "9": Meaning.TRANSIENT,  # "Partner Quota Violation": no credit
    "10": Meaning.THROTTLED,  # "Too Many Existing Binds": "Back-off and retry."
    "11": Meaning.TRANSIENT,  # "Account Not Enabled For HTTP"
    "12": Meaning.PERMANENT,  # "Message Too Long"
    "14": Meaning.TRANSIENT,  # "Invalid Signature": the account asks for signed requests
    "15": Meaning.PERMANENT,  # "Invalid Sender Address"
    "22": Meaning.PERMANENT,  # "Invalid Network Code"
    "23": Meaning.PERMANENT,  # "Invalid Callback Url": PUBLIC_URL
    "29": Meaning.PERMANENT,  # "Non-Whitelisted Destination": a demo account
    "32": Meaning.TRANSIENT,  # "Signature And API Secret Disallowed"
    "33": Meaning.ADDRESS_INVALID,  # "Number De-activated"
}

RECEIPT_STATUSES: dict[str, ReceiptStatus] = {
    "buffered": ReceiptStatus.SENT,
    "accepted": ReceiptStatus.SENT,
    "unknown": ReceiptStatus.SENT,
    "delivered": ReceiptStatus.DELIVERED,
    "expired": ReceiptStatus.UNDELIVERED,
    "failed": ReceiptStatus.UNDELIVERED,
    "rejected": ReceiptStatus.UNDELIVERED,
    "deleted": ReceiptStatus.UNDELIVERED,
}
RECEIPT_ERRORS: dict[str, Meaning] = {
    "3": Meaning.ADDRESS_INVALID,  # "Absent Subscriber - Permanent": "Number is no longer active"
    "9": Meaning.OPTED_OUT,  # "Illegal Number": "User has requested not to receive messages from a specific service."
}


def report_of(status: str, error: str) -> DeliveryReport | None:
    """The report that a receipt's `status` and `error` make; None for a status that Vonage does not describe."""
    reached = RECEIPT_STATUSES.get(status)
    if reached is not ReceiptStatus.UNDELIVERED:
        return DeliveryReport(reached) if reached else None
    meaning = RECEIPT_ERRORS.get(error)
    code = f"vonage_receipt_{error}" if error not in ("", "0") else f"vonage_{status}"
    return DeliveryReport(reached, code, reason=REASONS.get(meaning) if meaning else None)
