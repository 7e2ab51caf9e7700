"""Twilio's webhooks as Twilio would post them: its parameters, its encoding, its signature."""

from itertools import count
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.test import Client
from twilio.request_validator import RequestValidator

PUBLIC_URL = "https://book.example.org"
ACCOUNT_SID = "AC" + "0a" * 16
AUTH_TOKEN = "a-token-of-twilio"
STATUS, INBOUND = "/webhooks/twilio/status/", "/webhooks/twilio/inbound/"
FORM = "application/x-www-form-urlencoded"


WRITTEN = count(1000)  # each message that somebody writes has an ID of its own


def sid(number: int = 1) -> str:
    return f"SM{number:032x}"


def status_fields(status: str, *, of: str = sid(), **more: str) -> dict[str, str]:
    """As in https://www.twilio.com/docs/messaging/guides/track-outbound-message-status"""
    return {
        "SmsSid": of,
        "SmsStatus": status,
        "MessageStatus": status,
        "To": "+14155552671",
        "MessageSid": of,
        "AccountSid": ACCOUNT_SID,
        "From": "+14155550000",
        "ApiVersion": "2010-04-01",
    } | more


def inbound_fields(body: str, *, sender: str = "+14155552671", **more: str) -> dict[str, str]:
    """As in https://www.twilio.com/docs/messaging/twiml"""
    written = sid(next(WRITTEN))
    return {
        "ToCountry": "US",
        "ToState": "CA",
        "SmsMessageSid": written,
        "NumMedia": "0",
        "ToCity": "",
        "FromZip": "94107",
        "SmsSid": written,
        "FromState": "CA",
        "SmsStatus": "received",
        "FromCity": "SAN FRANCISCO",
        "Body": body,
        "FromCountry": "US",
        "To": "+14155550000",
        "ToZip": "",
        "NumSegments": "1",
        "MessageSid": written,
        "AccountSid": ACCOUNT_SID,
        "From": sender,
        "ApiVersion": "2010-04-01",
    } | more


def signature(path: str, fields: dict[str, str], *, token: str = AUTH_TOKEN, url: str = PUBLIC_URL) -> str:
    return str(RequestValidator(token).compute_signature(url + path, fields))


def post(path: str, fields: dict[str, str], *, signed: str | None = None, **headers: Any) -> HttpResponse:
    """Post `fields` signed by Twilio, or with the signature `signed`; empty: none at all."""
    given = signature(path, fields) if signed is None else signed
    if given:
        headers["HTTP_X_TWILIO_SIGNATURE"] = given
    answer: HttpResponse = Client().post(path, urlencode(fields), content_type=FORM, **headers)
    return answer


def tell(
    status: str, *, message: int, claim: int = 1, of: str = sid(), signed: str | None = None, **more: str
) -> HttpResponse:
    """Post a status callback about our `message`, as the URL names it."""
    return post(f"{STATUS}?message={message}&claim={claim}", status_fields(status, of=of, **more), signed=signed)
