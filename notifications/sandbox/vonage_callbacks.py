"""What Vonage posts: a delivery receipt, and an incoming SMS, as signed JSON.

https://developer.vonage.com/en/getting-started/concepts/signing-messages
"""

import hashlib
import hmac
import json
import secrets
import time
import uuid

from notifications.sandbox import VONAGE_KEY, VONAGE_SIGNATURE_SECRET
from notifications.sandbox.callbacks import Call
from notifications.sandbox.journal import Attempt

RECEIPTS = ("delivered", "expired", "failed", "rejected", "accepted", "buffered", "unknown")


def status_call(attempt: Attempt, status: str) -> Call | None:
    """The call at the message's `callback`, if it names one."""
    fields = attempt.parameters or {}
    if not fields.get("callback"):
        return None
    is_final = status == attempt.final_status
    told = {
        "msisdn": fields["to"],
        "to": fields["from"],
        "network-code": "23410",
        "messageId": attempt.sid,
        "price": "0.03330000",
        "status": status,
        "scts": "2001011400",
        "err-code": str(attempt.final_code) if is_final else "0",
        "api-key": VONAGE_KEY,
        "message-timestamp": "2020-01-01 12:00:00",
    }
    if "client-ref" in fields:
        told["client-ref"] = fields["client-ref"]
    return _signed(fields["callback"], told)


def inbound_call(url: str, sender: str, to: str, body: str) -> Call:
    """The call that says that `sender` wrote `body` to our number `to`."""
    told = {
        "msisdn": sender.removeprefix("+"),
        "to": to.removeprefix("+"),
        "messageId": secrets.token_hex(8).upper(),
        "text": body,
        "type": "text",
        "keyword": body.split(maxsplit=1)[0].upper() if body.split() else "",
        "api-key": VONAGE_KEY,
        "message-timestamp": "2020-01-01 12:00:00",
    }
    return _signed(url, told)


def _signed(url: str, fields: dict[str, str]) -> Call:
    fields |= {"timestamp": str(int(time.time())), "nonce": str(uuid.uuid4())}
    cleaned = {name: value.replace("&", "_").replace("=", "_") for name, value in fields.items()}
    signed = "".join(f"&{name}={cleaned[name]}" for name in sorted(cleaned)).encode()
    signature = hmac.new(VONAGE_SIGNATURE_SECRET.encode(), signed, hashlib.sha256).hexdigest().upper()
    return Call(url, json.dumps(fields | {"sig": signature}).encode(), {"Content-Type": "application/json"})
