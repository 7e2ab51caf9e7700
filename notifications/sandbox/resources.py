"""Builds the JSON of Twilio's Messages API.

https://www.twilio.com/docs/messaging/api/message-resource, /docs/usage/twilios-response#pagination and #errors.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from notifications.sandbox.journal import Attempt

VERSION = "2010-04-01"
CURRENCY = "USD"
_GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)


def message(
    attempt: Attempt, *, account_sid: str, status: str, error: int | str = 0, price: Decimal | None = None
) -> dict[str, Any]:
    """A message; `status`, `price` and `error`, a number of Twilio's, are what Twilio would say of it by now."""
    fields = attempt.parameters or {}
    path = f"/{VERSION}/Accounts/{account_sid}/Messages/{attempt.sid}"
    body = attempt.text
    return {
        "account_sid": account_sid,
        "api_version": VERSION,
        "body": body,
        "date_created": _date(attempt.received_at),
        "date_sent": None if status in ("queued", "accepted") else _date(attempt.received_at),
        "date_updated": _date(attempt.received_at),
        "direction": "outbound-api",
        "error_code": error or None,
        "error_message": None,
        "from": fields.get("From"),
        "messaging_service_sid": fields.get("MessagingServiceSid"),
        "num_media": "0",
        "num_segments": "0" if status == "accepted" else str(charged_segments(attempt)),  # no sender yet, no count
        "price": None if price is None else f"{-price:.5f}",
        "price_unit": CURRENCY,
        "sid": attempt.sid,
        "status": status,
        "subresource_uris": {"media": f"{path}/Media.json"},
        "to": attempt.to,
        "uri": f"{path}.json",
    }


def page(
    messages: Sequence[dict[str, Any]], *, path: str, filters: Mapping[str, str], number: int, size: int, has_next: bool
) -> dict[str, Any]:
    """The page `number`, from 0, of a list of which `messages` are this page's."""

    def uri(of: int) -> str:
        return f"{path}?{urlencode({**filters, 'PageSize': size, 'Page': of})}"

    return {
        "messages": messages,
        "first_page_uri": uri(0),
        "previous_page_uri": uri(number - 1) if number else None,
        "next_page_uri": uri(number + 1) if has_next else None,
        "uri": uri(number),
        "page": number,
        "page_size": size,
        "start": number * size,
        "end": number * size + max(len(messages) - 1, 0),
    }


def error(*, status: int, code: int, words: str) -> dict[str, Any]:
    return {"code": code, "message": words, "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}


def charged_segments(attempt: Attempt) -> int:
    """The segments of a message; on WhatsApp each is one."""
    return segments(attempt.text) if attempt.channel == "sms" else 1


def segments(body: str) -> int:
    """How many SMS `body` takes: 160 characters of the GSM alphabet or 70 others; joined ones carry fewer."""
    if set(body) <= _GSM:
        length, alone, joined = len(body) + sum(body.count(each) for each in "^{}\\[~]|€"), 160, 153
    else:
        length, alone, joined = len(body.encode("utf-16-le")) // 2, 70, 67
    return 1 if length <= alone else -(-length // joined)


def _date(moment: datetime) -> str:
    return format_datetime(moment)
