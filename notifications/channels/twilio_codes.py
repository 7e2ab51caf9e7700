"""Twilio's error numbers and message statuses, and what each means for a message.

The comment beside each number is its title, from https://www.twilio.com/docs/api/errors/<number>. The statuses are
explained at https://www.twilio.com/docs/messaging/api/message-resource#message-status-values. A number comes with the
answer to a request, or later with a receipt.

Twilio asks not to rely on single numbers, because it keeps splitting them up (changelog of 2024-07-10). So for a number
that is not listed, the HTTP status decides.
"""

from notifications.channels.base import DeliveryReport
from notifications.channels.refusals import REASONS, Meaning
from notifications.lifecycle import ReceiptStatus

ERRORS: dict[int, Meaning] = {
    # --- account and credentials: not the message's fault, and mended without touching it; what failed is replayed ----
    10001: Meaning.TRANSIENT,  # "Account is not active"
    20003: Meaning.TRANSIENT,  # "Permission Denied", "Authenticate": wrong or revoked SID, token or key (HTTP 401, 403)
    20005: Meaning.TRANSIENT,  # "Account is not active"
    30002: Meaning.TRANSIENT,  # "Account suspended"
    90010: Meaning.TRANSIENT,  # "Account is not active"
    # --- too fast ---------------------------------------------------------------------------------------------------
    14107: Meaning.THROTTLED,  # "Message rate limit exceeded"
    20429: Meaning.THROTTLED,  # "Too many requests": "never processed and always safe to retry" (HTTP 429)
    21611: Meaning.THROTTLED,  # "This 'From' number has exceeded the maximum number of queued messages"
    30001: Meaning.THROTTLED,  # "Queue overflow"
    30022: Meaning.THROTTLED,  # "US A2P 10DLC - Rate Limits Exceeded"
    30023: Meaning.THROTTLED,  # "US A2P 10DLC - Daily Message Cap Reached"
    60728: Meaning.THROTTLED,  # "Account exceeded the hourly messages limit"
    63017: Meaning.THROTTLED,  # "Rate limit exceeded": over 2,000 messages a second in the account
    63018: Meaning.THROTTLED,  # "Rate limit exceeded for Channel": WhatsApp's own limit
    63038: Meaning.THROTTLED,  # "Account exceeded the daily messages limit"
    # --- Twilio, a carrier or WhatsApp asks to come back --------------------------------------------------------------
    21730: Meaning.TRANSIENT,  # "System under maintenance. Please try again later."
    30003: Meaning.TRANSIENT,  # "Unreachable destination handset": switched off, or out of reach
    30008: Meaning.TRANSIENT,  # "Unknown error"
    30009: Meaning.TRANSIENT,  # "Missing inbound segment"
    30017: Meaning.TRANSIENT,  # "Carrier network congestion"
    30410: Meaning.TRANSIENT,  # "Provider Timeout Error"
    30500: Meaning.TRANSIENT,  # "Provider Internal Error"
    63010: Meaning.TRANSIENT,  # "Channels - Twilio Internal error"
    63012: Meaning.TRANSIENT,  # "Channel provider returned an internal service error"
    63023: Meaning.TRANSIENT,  # "Channel generic error"
    # --- the person does not want it ----------------------------------------------------------------------------------
    21610: Meaning.OPTED_OUT,  # "Attempt to send to unsubscribed recipient"
    63014: Meaning.OPTED_OUT,  # "Channel message blocked by user action"
    63033: Meaning.OPTED_OUT,  # "Recipient Blocked To Receive Message"
    # --- nobody can be reached there ----------------------------------------------------------------------------------
    21211: Meaning.ADDRESS_INVALID,  # "Invalid 'To' Phone Number"
    21214: Meaning.ADDRESS_INVALID,  # "'To' phone number cannot be reached"
    21217: Meaning.ADDRESS_INVALID,  # "Phone number does not appear to be valid"
    21265: Meaning.ADDRESS_INVALID,  # "'To' number cannot be a Short Code"
    21266: Meaning.ADDRESS_INVALID,  # "'To' and 'From' number cannot be the same"
    21268: Meaning.ADDRESS_INVALID,  # "'To' number is a Premium or Information Service number"
    21401: Meaning.ADDRESS_INVALID,  # "Invalid Phone Number"
    21407: Meaning.ADDRESS_INVALID,  # "This Phone Number type does not support SMS or MMS"
    21421: Meaning.ADDRESS_INVALID,  # "PhoneNumber is invalid"
    21604: Meaning.ADDRESS_INVALID,  # "'To' phone number is required to send a Message"
    21614: Meaning.ADDRESS_INVALID,  # "'To' number is not a valid mobile number"
    21635: Meaning.ADDRESS_INVALID,  # "'To' number cannot be a landline"
    30005: Meaning.ADDRESS_INVALID,  # "Unknown destination handset"
    30006: Meaning.ADDRESS_INVALID,  # "Landline or unreachable carrier"
    63003: Meaning.ADDRESS_INVALID,  # "Channel could not find To address": not on WhatsApp
    63024: Meaning.ADDRESS_INVALID,  # "Invalid message recipient": not on WhatsApp, or an old version of it
    # --- 20xxx: the request -------------------------------------------------------------------------------------------
    20001: Meaning.PERMANENT,  # "Unknown parameters"
    20004: Meaning.PERMANENT,  # "Method not allowed"
    20008: Meaning.PERMANENT,  # "Cannot access this resource with Test Credentials"
    20404: Meaning.PERMANENT,  # "Not Found": this account, or a Messaging Service that is gone
    20422: Meaning.PERMANENT,  # "Invalid Parameter"
    # --- 212xx, 214xx: the sender, and where we may send --------------------------------------------------------------
    21212: Meaning.PERMANENT,  # "Invalid From Number (caller ID)"
    21219: Meaning.PERMANENT,  # "'To' phone number not verified": a trial account
    21267: Meaning.PERMANENT,  # "Alphanumeric Sender ID cannot be used on trial accounts"
    21408: Meaning.PERMANENT,  # "Permission to send an SMS has not been enabled for the region of the 'To' number"
    # --- 216xx: the message and its sender ----------------------------------------------------------------------------
    21601: Meaning.PERMANENT,  # "Phone number is not a valid SMS-capable inbound phone number"
    21602: Meaning.PERMANENT,  # "Message body is required"
    21603: Meaning.PERMANENT,  # "'From' phone number is required to send a Message"
    21605: Meaning.PERMANENT,  # "Maximum body length is 160 characters" (old API)
    21606: Meaning.PERMANENT,  # "'From' number is not a valid, message-capable Twilio phone number"
    21608: Meaning.PERMANENT,  # "'To' number is unverified": a trial account
    21609: Meaning.PERMANENT,  # "Invalid 'StatusCallback' URL": PUBLIC_URL cannot be reached from outside
    21612: Meaning.PERMANENT,  # "Message cannot be sent with the current combination of 'To' and/or 'From' parameters"
    21616: Meaning.PERMANENT,  # "'From' matches multiple numbers for your account"
    21617: Meaning.PERMANENT,  # "Message body exceeds the 1600 character limit"
    21618: Meaning.PERMANENT,  # "Message body cannot be sent"
    21619: Meaning.PERMANENT,  # "A text message body or media urls must be specified"
    21620: Meaning.PERMANENT,  # "Invalid media URL(s)"
    21621: Meaning.PERMANENT,  # "'From' phone number is not enabled for MMS"
    21622: Meaning.PERMANENT,  # "MMS has not been enabled for this account"
    21623: Meaning.PERMANENT,  # "Number of media files exceeds allowed limit"
    21624: Meaning.PERMANENT,  # "Invalid Validity Period value"
    21654: Meaning.PERMANENT,  # "ContentSid Required"
    21655: Meaning.PERMANENT,  # "The ContentSid is Invalid"
    21656: Meaning.PERMANENT,  # "The Content Variables Parameter is invalid"
    21658: Meaning.PERMANENT,  # "Parameter exceeds max characters"
    21659: Meaning.PERMANENT,  # "'From' is not a Twilio phone number or Short Code"
    21660: Meaning.PERMANENT,  # "Mismatch between the 'From' number and the account"
    21661: Meaning.PERMANENT,  # "'From' number is not SMS-capable"
    # --- 217xx, 219xx: the Messaging Service --------------------------------------------------------------------------
    21701: Meaning.PERMANENT,  # "The Messaging Service does not exist"
    21703: Meaning.PERMANENT,  # "The Messaging Service does not have a phone number available to send a message"
    21704: Meaning.PERMANENT,  # "The Messaging Service contains no phone numbers"
    21705: Meaning.PERMANENT,  # "The Messaging Service SID is invalid"
    21910: Meaning.PERMANENT,  # "'From' and 'To' pair is not of the same channel"
    # --- 300xx: told later, by the carriers ---------------------------------------------------------------------------
    30004: Meaning.PERMANENT,  # "Message blocked": by the carrier, the number's owner, or a block list
    30007: Meaning.PERMANENT,  # "Message filtered": taken for spam
    30010: Meaning.PERMANENT,  # "Message price exceeds max price"
    30011: Meaning.PERMANENT,  # "MMS not supported by the receiving phone number in this region"
    30012: Meaning.PERMANENT,  # "TTL too small"
    30013: Meaning.PERMANENT,  # "TTL too big"
    30018: Meaning.PERMANENT,  # "Destination carrier requires sender ID pre-registration"
    30019: Meaning.PERMANENT,  # "Content Size Exceeds Carrier Limit"
    30024: Meaning.PERMANENT,  # "Numeric Sender ID Not Provisioned on Carrier"
    30027: Meaning.PERMANENT,  # "US A2P 10DLC - T-Mobile Daily Message Limit Reached", until midnight Pacific
    30032: Meaning.PERMANENT,  # "Toll-Free Number Has Not Been Verified"
    30033: Meaning.PERMANENT,  # "US A2P 10DLC - Campaign Suspended"
    30034: Meaning.PERMANENT,  # "US A2P 10DLC - Message from an Unregistered Number"
    30035: Meaning.PERMANENT,  # "US A2P 10DLC - Message from a Misconfigured Number"
    30036: Meaning.PERMANENT,  # "Validity Period Expired": too late to be of use, as expires_at wanted
    30037: Meaning.PERMANENT,  # "Outbound Messaging Disabled"
    30038: Meaning.PERMANENT,  # "OTP Message Body Filtered"
    30039: Meaning.PERMANENT,  # "Message loop detected"
    30044: Meaning.PERMANENT,  # "Trial Message Length Exceeded"
    30450: Meaning.PERMANENT,  # "Message delivery blocked": SMS pumping protection
    # --- 630xx: WhatsApp and other channels ---------------------------------------------------------------------------
    63001: Meaning.PERMANENT,  # "Channel could not authenticate the request"
    63002: Meaning.PERMANENT,  # "Channel could not find From address"
    63005: Meaning.PERMANENT,  # "Channel did not accept given content"
    63006: Meaning.PERMANENT,  # "Could not format given content for the channel"
    63007: Meaning.PERMANENT,  # "Twilio could not find a Channel with the specified From address"
    63008: Meaning.PERMANENT,  # "Could not execute the request because the channel module was misconfigured"
    63009: Meaning.PERMANENT,  # "Channel returned an error when executing the request"
    63013: Meaning.PERMANENT,  # "This message send failed because it violates Channel provider's policy"
    63015: Meaning.PERMANENT,  # "Channel Sandbox can only send messages to phone numbers that have joined the Sandbox"
    63016: Meaning.PERMANENT,  # "Failed to send freeform message because you are outside the allowed window"
    63019: Meaning.PERMANENT,  # "Media failed to download"
    63020: Meaning.PERMANENT,  # "Twilio encountered a Business Manager account error"
    63021: Meaning.PERMANENT,  # "Channel invalid content error"
    63022: Meaning.PERMANENT,  # "Invalid vname certificate"
    63025: Meaning.PERMANENT,  # "Media already exists"
    63027: Meaning.PERMANENT,  # "Template does not exist for a language and locale"
    63028: Meaning.PERMANENT,  # "Number of parameters provided does not match the expected number of parameters"
    63029: Meaning.PERMANENT,  # "The receiver failed to download the template"
    63030: Meaning.PERMANENT,  # "Unsupported parameter for type of channels message"
    63031: Meaning.PERMANENT,  # "Channels message cannot have same From and To"
    63032: Meaning.PERMANENT,  # "We cannot send this message to this user because of a WhatsApp limitation"
    63040: Meaning.PERMANENT,  # "Template rejected"
    63041: Meaning.PERMANENT,  # "Template paused"
    63042: Meaning.PERMANENT,  # "Template disabled"
    63049: Meaning.PERMANENT,  # "Meta chose not to deliver this WhatsApp marketing message"
    63051: Meaning.PERMANENT,  # "WhatsApp Business Account is Locked or Banned"
}

RECEIPT_STATUSES: dict[str, ReceiptStatus | None] = {
    "accepted": None,  # inside Twilio, as are the next three
    "scheduled": None,
    "queued": None,
    "sending": None,
    "sent": ReceiptStatus.SENT,
    "delivery_unknown": ReceiptStatus.SENT,
    "partially_delivered": ReceiptStatus.SENT,
    "delivered": ReceiptStatus.DELIVERED,
    "undelivered": ReceiptStatus.UNDELIVERED,
    "failed": ReceiptStatus.UNDELIVERED,
    "canceled": ReceiptStatus.UNDELIVERED,
    "read": ReceiptStatus.READ,
}


def undelivered(number: int, detail: str) -> DeliveryReport:
    """The report of a message that Twilio gave up with the error `number`; 0: Twilio named none."""
    meaning = ERRORS.get(number)
    code = f"twilio_{number}" if number else ""
    return DeliveryReport(ReceiptStatus.UNDELIVERED, code, detail, reason=REASONS.get(meaning) if meaning else None)
