"""What Sinch posts: a recipient's delivery report, and an incoming SMS, as signed JSON.

https://developers.sinch.com/docs/sms/api-reference/sms/webhooks
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from notifications.sandbox import SINCH_WEBHOOK_SECRET
from notifications.sandbox.callbacks import Call
from notifications.sandbox.journal import Attempt


def status_call(attempt: Attempt, status: str) -> Call | None:
    """The call at the batch's `callback_url`, if it names one."""
    batch = attempt.parameters or {}
    if not batch.get("callback_url"):
        return None
    is_final = status == attempt.final_status
    report = {
        "type": "recipient_delivery_report_sms",
        "batch_id": attempt.sid,
        "recipient": attempt.to.removeprefix("+"),
        "code": (int(attempt.final_code) if attempt.final_code else 0) if is_final else 401,
        "status": status.capitalize(),
        "at": _now(),
        "client_reference": batch.get("client_reference", ""),
    }
    return _signed(batch["callback_url"], report)


def inbound_call(url: str, sender: str, to: str, body: str) -> Call:
    """The call that says that `sender` wrote `body` to our number `to`."""
    written = {
        "type": "mo_text",
        "id": secrets.token_hex(13).upper(),
        "from": sender.removeprefix("+"),
        "to": to.removeprefix("+"),
        "body": body,
        "received_at": _now(),
    }
    return _signed(url, written)


def _signed(url: str, document: dict[str, Any]) -> Call:
    body, nonce, timestamp = json.dumps(document).encode(), str(uuid.uuid4()), str(int(time.time()))
    signed = b".".join((body, nonce.encode(), timestamp.encode()))
    digest = hmac.new(SINCH_WEBHOOK_SECRET.encode(), signed, hashlib.sha256).digest()
    name = "x-sinch-webhook-signature"
    headers = {
        "Content-Type": "application/json",
        name: base64.b64encode(digest).decode(),
        f"{name}-nonce": nonce,
        f"{name}-timestamp": timestamp,
        f"{name}-algorithm": "HmacSHA256",
    }
    return Call(url, body, headers)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
