"""What Resend posts: an event of an email, signed as Svix signs.

https://docs.svix.com/receiving/verifying-payloads/how-manual
"""

import base64
import hashlib
import hmac
import json
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from notifications.sandbox import RESEND_WEBHOOK_SECRET
from notifications.sandbox.callbacks import Call
from notifications.sandbox.journal import Attempt


def status_call(attempt: Attempt, status: str, *, url: str) -> Call | None:
    """The call at the account's webhook `url`, if there is one."""
    if not url:
        return None
    email = attempt.parameters or {}
    data: dict[str, Any] = {
        "email_id": attempt.sid,
        "from": attempt.sender,
        "to": [attempt.to],
        "subject": email.get("subject", ""),
        "tags": {tag["name"]: tag["value"] for tag in email.get("tags", [])},
    }
    if status == "bounced":
        data["bounce"] = {"message": "No such mailbox", "subType": "General", "type": "Permanent"}
    now = datetime.now(UTC).isoformat()
    body = json.dumps({"type": f"email.{status}", "created_at": now, "data": data}).encode()
    name, timestamp = f"msg_{uuid.uuid4().hex}", str(int(time.time()))
    key = base64.b64decode(RESEND_WEBHOOK_SECRET.removeprefix("whsec_"))
    signed = b".".join((name.encode(), timestamp.encode(), body))
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    headers = {"svix-id": name, "svix-timestamp": timestamp, "svix-signature": f"v1,{signature}"}
    return Call(url, body, {"Content-Type": "application/json", **headers})
