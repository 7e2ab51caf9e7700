"""What Meta posts: a message's status, and an incoming message, signed with the app's secret.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
"""

import hashlib
import hmac
import json
import secrets
import time
from typing import Any

from notifications.sandbox import META_APP_SECRET, META_NUMBER_ID
from notifications.sandbox.callbacks import Call
from notifications.sandbox.journal import Attempt


def status_call(attempt: Attempt, status: str, *, url: str) -> Call | None:
    """The call at the app's webhook `url`, if there is one."""
    message = attempt.parameters or {}
    told: dict[str, Any] = {
        "id": attempt.sid,
        "status": status,
        "timestamp": str(int(time.time())),
        "recipient_id": attempt.to.removeprefix("+"),
    }
    if "biz_opaque_callback_data" in message:
        told["biz_opaque_callback_data"] = message["biz_opaque_callback_data"]
    if status == attempt.final_status and attempt.final_code:
        told["errors"] = [{"code": attempt.final_code, "title": "No", "error_data": {"details": "No"}}]
    return _signed(url, {"statuses": [told]}) if url else None


def inbound_call(url: str, sender: str, to: str, body: str) -> Call:  # noqa: ARG001  (Meta names our number by its ID)
    """The call that says that `sender` wrote `body` to us."""
    written = {
        "from": sender.removeprefix("+"),
        "id": f"wamid.{secrets.token_urlsafe(40)}",
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": {"body": body},
    }
    return _signed(url, {"messages": [written]})


def _signed(url: str, value: dict[str, Any]) -> Call:
    metadata = {"display_phone_number": "14155550001", "phone_number_id": META_NUMBER_ID}
    change = {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}
    document = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}
    body = json.dumps(document).encode()
    digest = hmac.new(META_APP_SECRET.encode(), body, hashlib.sha256).hexdigest()
    return Call(url, body, {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={digest}"})
