"""What Twilio posts: a message's status, and an incoming message, as signed forms."""

import secrets
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from notifications.sandbox import ACCOUNT_SID, AUTH_TOKEN
from notifications.sandbox.callbacks import Call
from notifications.sandbox.journal import Attempt

_VALIDATOR = RequestValidator(AUTH_TOKEN)


def status_call(attempt: Attempt, status: str) -> Call | None:
    """The call at the message's StatusCallback, if it names one."""
    url = (attempt.parameters or {}).get("StatusCallback", "")
    fields = {
        "MessageSid": attempt.sid,
        "SmsSid": attempt.sid,
        "MessageStatus": status,
        "SmsStatus": status,
        "To": attempt.to,
        "From": attempt.sender,
    }
    if status == attempt.final_status and attempt.final_code:
        fields["ErrorCode"] = str(attempt.final_code)
    return _signed(url, fields) if url else None


def inbound_call(url: str, sender: str, to: str, body: str) -> Call:
    """The call that says that `sender` wrote `body` to our number `to`."""
    sid = f"SM{secrets.token_hex(16)}"
    fields = {"MessageSid": sid, "SmsSid": sid, "From": sender, "To": to, "Body": body, "NumMedia": "0"}
    return _signed(url, fields)


def _signed(url: str, fields: dict[str, str]) -> Call:
    fields |= {"AccountSid": ACCOUNT_SID, "ApiVersion": "2010-04-01"}
    signature = _VALIDATOR.compute_signature(url, fields)
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    return Call(url, urlencode(fields).encode(), headers)
