"""Checks Twilio's signature of a form and reads it; refuses everything else.

Twilio signs the URL and the form's names and values run together, with no time and no nonce. So a signature is valid
for ever, and whoever reads such a form must expect to get it again. Nor does a signature show where a name ends and its
value begins: `MessageSi` + `dSM1` passes for `MessageSid` + `SM1`. So only known names are read, and each value must
match a pattern that no other division yields.

Twilio asks to accept names that it adds without notice. So an unknown name is ignored; but it is refused if it begins
with a known one, or a known one begins with it.

The URL is made of PUBLIC_URL and the path, never of what a proxy's or an attacker's headers claim.
"""

from collections.abc import Collection, Mapping
from urllib.parse import parse_qsl

from django.conf import settings
from django.http import HttpRequest
from twilio.request_validator import RequestValidator

from notifications.content.public_links import called_as
from notifications.webhooks.refusals import MOST_BYTES, Refused

MOST_FIELDS = 150
FORM = "application/x-www-form-urlencoded"


def read_signed_form(request: HttpRequest, *, known: Collection[str]) -> Mapping[str, str]:
    """The fields of a form that Twilio signed for this URL with our account's token; those in `known`, no others.

    Raises Refused: 405, 415, 413, 403 (not signed by our account), 400 (signed, and not in Twilio's shape).
    """
    if request.method != "POST":
        raise Refused(405, "not posted")
    if request.content_type != FORM:
        raise Refused(415, "not a form")  # a JSON body would go unsigned without bodySHA256
    fields = _parse(_body(request))
    _check_signature(request, fields)
    if fields.get("AccountSid") != settings.TWILIO_ACCOUNT_SID:
        raise Refused(403, "of another account")
    for name in fields:
        if name not in known and any(name.startswith(other) or other.startswith(name) for other in known):
            raise Refused(400, "a name divided otherwise")
    return {name: value for name, value in fields.items() if name in known}


def _body(request: HttpRequest) -> str:
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if not announced.isdecimal() or int(announced[:20]) > MOST_BYTES:
        raise Refused(413, "too large")
    try:
        return request.body.decode("ascii")
    except UnicodeDecodeError:
        raise Refused(400, "not a form") from None


def _parse(body: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(body, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Refused(400, "not a form") from None
    fields = dict(pairs)
    if len(fields) != len(pairs) or any("\x00" in name + value for name, value in pairs):
        raise Refused(400, "a name comes twice, or holds NUL")
    return fields


def _check_signature(request: HttpRequest, fields: Mapping[str, str]) -> None:
    signature = request.headers.get("X-Twilio-Signature", "")
    token: str = getattr(settings, "TWILIO_AUTH_TOKEN", "")
    if not signature or not token:  # without either, Twilio's validator raises, or signs with nothing
        raise Refused(403, "not signed")
    if not RequestValidator(token).validate(called_as(request), fields, signature):
        raise Refused(403, "wrongly signed")
