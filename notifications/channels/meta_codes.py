"""Meta's error codes of the WhatsApp Cloud API and message statuses, and what each means for a message.

A code comes with the answer to a request, or later with a status in a webhook:
https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes. Meta recommends to go by
the code, not by the HTTP status. The comment beside each is its title there.
"""

from notifications.channels.base import DeliveryReport
from notifications.channels.refusals import REASONS, Meaning
from notifications.lifecycle import ReceiptStatus

ERRORS: dict[int, Meaning] = {
    # --- the token, the app and the account: mended without touching the message; what failed is replayed -------------
    0: Meaning.TRANSIENT,  # "AuthException"
    3: Meaning.TRANSIENT,  # "API Method": "Capability or permissions issue."
    10: Meaning.TRANSIENT,  # "Permission Denied"
    190: Meaning.TRANSIENT,  # "Access token has expired"
    **dict.fromkeys(range(200, 300), Meaning.TRANSIENT),  # "API Permission"
    368: Meaning.TRANSIENT,  # "Temporarily blocked for policies violations"
    131005: Meaning.TRANSIENT,  # "Access denied"
    131031: Meaning.TRANSIENT,  # "Account has been locked"
    131042: Meaning.TRANSIENT,  # "Business eligibility payment issue"
    131057: Meaning.TRANSIENT,  # "Account in maintenance mode"
    # --- too fast -----------------------------------------------------------------------------------------------------
    4: Meaning.THROTTLED,  # "API Too Many Calls"
    80007: Meaning.THROTTLED,  # "Rate limit issues"
    130429: Meaning.THROTTLED,  # "Rate limit hit"
    131048: Meaning.THROTTLED,  # "Spam rate limit hit": the number's quality is low
    # --- Meta failed half-way -----------------------------------------------------------------------------------------
    1: Meaning.UNSURE,  # "API Unknown": "Invalid request or possible server error."
    2: Meaning.UNSURE,  # "API Service": "Temporary due to downtime or due to being overloaded."
    131000: Meaning.UNSURE,  # "Something went wrong"
    131016: Meaning.UNSURE,  # "Service unavailable"
    133004: Meaning.UNSURE,  # "Server Temporarily Unavailable"
    # --- nobody can be reached there ----------------------------------------------------------------------------------
    131026: Meaning.ADDRESS_INVALID,  # "Message undeliverable": not on WhatsApp, or an old version of it
    # --- the sender ---------------------------------------------------------------------------------------------------
    33: Meaning.PERMANENT,  # "Parameter value is not valid": "The business phone number has been deleted."
    131021: Meaning.PERMANENT,  # "Recipient cannot be sender"
    131037: Meaning.PERMANENT,  # "Display name approval needed"
    131045: Meaning.PERMANENT,  # "Incorrect certificate"
    133010: Meaning.PERMANENT,  # "Phone number not registered"
    # --- where, and to whom, we may send ------------------------------------------------------------------------------
    130472: Meaning.PERMANENT,  # "User's number is part of an experiment"
    130497: Meaning.PERMANENT,  # "Business account is restricted from messaging users in this country."
    131030: Meaning.PERMANENT,  # "Recipient phone number not in allowed list"
    131047: Meaning.PERMANENT,  # "Re-engagement message": more than 24 hours since the recipient last wrote
    131049: Meaning.PERMANENT,  # "Meta chose not to deliver"
    131050: Meaning.PERMANENT,  # the user wants no marketing messages from us; others still go
    # --- the words ----------------------------------------------------------------------------------------------------
    100: Meaning.PERMANENT,  # "Invalid parameter"
    131008: Meaning.PERMANENT,  # "Required parameter is missing"
    131009: Meaning.PERMANENT,  # "Parameter value is not valid"
    131051: Meaning.PERMANENT,  # "Unsupported message type"
    131052: Meaning.PERMANENT,  # "Media download error"
    131053: Meaning.PERMANENT,  # "Media upload error"
    132000: Meaning.PERMANENT,  # "Template Param Count Mismatch"
    132001: Meaning.PERMANENT,  # "Template does not exist"
    132005: Meaning.PERMANENT,  # "Template Hydrated Text Too Long"
    132007: Meaning.PERMANENT,  # "Template Format Character Policy Violated"
    132012: Meaning.PERMANENT,  # "Template Parameter Format Mismatch"
    132015: Meaning.PERMANENT,  # "Template is Paused"
    132016: Meaning.PERMANENT,  # "Template is Disabled"
    132068: Meaning.PERMANENT,  # "Flow is blocked"
    132069: Meaning.PERMANENT,  # "Flow is throttled"
    135000: Meaning.PERMANENT,  # "Generic user error"
}

PAIR_LIMIT = 131056  # "(Business Account, Consumer Account) pair rate limit hit": only this recipient has to wait
PAIR_SECONDS = 60.0  # …/support/error-codes: try again later; one message in six seconds is the rate
SLOW = {4: 60.0, 80007: 300.0, 131048: 300.0}  # seconds: limits of an hour or a day; the others are of a second

RECEIPT_STATUSES: dict[str, ReceiptStatus] = {
    "sent": ReceiptStatus.SENT,
    "delivered": ReceiptStatus.DELIVERED,
    "read": ReceiptStatus.READ,
    "played": ReceiptStatus.READ,
    "failed": ReceiptStatus.UNDELIVERED,
}


def report_of(status: str, code: object, detail: str) -> DeliveryReport | None:
    """The report that a status and the `code` of its error make; None for a status that says nothing of delivery."""
    reached = RECEIPT_STATUSES.get(status)
    if reached is not ReceiptStatus.UNDELIVERED:
        return DeliveryReport(reached) if reached else None
    number = code if isinstance(code, int) and 0 <= code < 10**9 else None
    meaning = ERRORS.get(number) if number is not None else None
    name = "meta_failed" if number is None else f"meta_{number}"
    return DeliveryReport(reached, name, detail, reason=REASONS.get(meaning) if meaning else None)
