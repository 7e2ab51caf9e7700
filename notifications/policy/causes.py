"""Why messages fail, and what to do: one table of causes for board, `outbox_status`, alerts and the messages' pages.

A code names what a provider answered, or what the outbox decided. Many codes have one cause, and staff mend causes.
docs/operators.md prints this table. The providers' codes are explained in `channels/…_codes.py`.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """`what` is wrong, as the end of a sentence. `cure` says what to do about messages that failed of it, and `wait`,
    where that differs, about those that are still tried.

    `is_refusal`: the provider answers, and lets none of our messages pass before somebody acts. That is no outage.
    """

    name: str
    what: str
    cure: str
    wait: str = ""
    is_refusal: bool = False

    @property
    def cure_of_waiting(self) -> str:
        return self.wait or self.cure


CREDENTIALS = Cause(
    "credentials",
    "the provider refuses our credentials",
    "Renew them (TWILIO_AUTH_TOKEN, another provider's token or secret, or the user and the password in EMAIL_URL), "
    "and restart the relays. What waits then goes by itself; replay what failed.",
    is_refusal=True,
)
ACCOUNT = Cause(
    "account",
    "our account at the provider is suspended or restricted",
    "The provider's console says why, and what lifts it. What waits then goes by itself; replay what failed.",
    is_refusal=True,
)
SENDER = Cause(
    "sender",
    "the provider does not accept our sender",
    "Correct the sender (TWILIO_SMS_FROM, TWILIO_WHATSAPP_FROM, another provider's, or DEFAULT_FROM_EMAIL), or "
    "register it with the provider. Restart the relays, then replay.",
)
UNREACHABLE = Cause(
    "unreachable",
    "the provider cannot be reached",
    "Replay once the provider answers again.",
    wait="Nothing: it is tried again by itself. If it lasts, look at the provider's status page and at this network's "
    "way out.",
)
SILENT = Cause(
    "silent",
    "the provider took the message and sent no readable answer",
    "See in the provider's log whether they arrived, and replay those that did not.",
    wait="Nothing: it is asked, or the message is sent again and marked. If it lasts, look at the provider's status "
    "page.",
)
TROUBLE = Cause(
    "trouble",
    "the provider has trouble of its own",
    "Replay once the provider's status page says that it works again.",
    wait="Nothing: it is tried again by itself. If it lasts, look at the provider's status page.",
)
CARRIER = Cause(
    "carrier",
    "the phone or its network could not be reached",
    "Replay later, for phones come back, or use another channel.",
    wait="Nothing: it is tried again by itself.",
)
PUT_OFF = Cause(
    "put_off",
    "the mail server puts the message off",
    "It did so for too long. Look at how your domain is rated, then replay.",
    wait="Nothing: it is tried again for hours, as mail servers expect. If many wait, look at your domain's rating.",
)
TOO_FAST = Cause(
    "too_fast",
    "the provider says that we send too fast",
    "Set OUTBOX_RATES to what the provider allows, or ask it for more. Restart the relays, then replay.",
    wait="Nothing: it is tried again by itself. If it lasts, set OUTBOX_RATES to what the provider allows.",
)
ADDRESS = Cause(
    "address",
    "nobody can be reached at the address",
    "Correct the address with its owner, then replay.",
)
UNWANTED = Cause(
    "unwanted",
    "the recipient does not want it",
    "Nothing, unless they ask for it: the opt-out is lifted from their own address.",
)
COUNTRY = Cause(
    "country",
    "we may not send to that country",
    "If it is wanted, allow it in OUTBOX_ALLOWED_COUNTRIES and in the provider's console, then replay.",
)
BLOCKED = Cause(
    "blocked",
    "a carrier or the provider blocks it as unwanted",
    "Look at the wording and at the sender's registration; the provider's console says more.",
)
WORDS = Cause(
    "words",
    "the words could not be made, or the provider does not accept them",
    "Mend the template, and look at it with preview_notification. Restart the relays, then replay.",
)
WORDS_HELD = Cause(
    "words_held",
    "its words cannot be made, so its kind is held",
    "Mend the template, and look at it with preview_notification. A relay that has the mended words sends what waits "
    "by itself: restart the relays, or mend the file where they run. Nothing is lost, and nothing is to be replayed.",
)
OURS = Cause(
    "ours",
    "the channel's code has a fault",
    "The relays' log says where. Mend it, restart the relays, then replay.",
)
RELAYS_LOST = Cause(
    "relays_lost",
    "the relays that sent it died several times",
    "Look at why they end: memory, the host, the log's last lines. Then replay.",
)
CAP = Cause(
    "cap",
    "the recipient has had as many messages as a cap allows",
    "Nothing, if it was a loop or abuse. If the cap is too low, raise the OUTBOX_CAP_… that the code names.",
)
SPEND_CAP = Cause(
    "spend_cap",
    "the day's cap of money for its country is reached",
    "If these messages are wanted, raise OUTBOX_SPEND_CAPS, restart the relays, then replay what is still of use.",
    wait="Nothing, if the cap is right: it goes as the next day (UTC) begins. To send it today, raise "
    "OUTBOX_SPEND_CAPS and restart the relays: within an hour it goes by itself.",
)
TOO_LATE = Cause(
    "too_late",
    "it was not sent in time",
    "Nothing for this message: it is of no use any more. Look at what held its lane up.",
)
OTHER = Cause(
    "other",
    "the provider refuses it",
    "Look the code up in the provider's documentation, mend what it names, then replay.",
)


def _twilio(numbers: str) -> str:
    """The codes of Twilio's error `numbers`."""
    return _codes("twilio", numbers)


def _codes(provider: str, names: str) -> str:
    """The codes of a provider's errors, by the `names` that it gives them."""
    return "".join(f" {provider}_{name}" for name in names.split())


# The codes of each cause; * stands for any end.
CODES: dict[Cause, str] = {
    CREDENTIALS: "http_401 http_403 smtp_530 smtp_534 smtp_535 smtp_538"
    + _twilio("20003 63001")
    + _codes("vonage", "4 14 32")
    + _codes("sinch", "unauthorized")
    + _codes("meta", "0 3 10 190 131005")
    + _codes("resend", "missing_api_key restricted_api_key invalid_api_key"),
    ACCOUNT: _twilio("10001 20005 20008 30002 30037 63020 63051 90010")
    + _codes("vonage", "8 9 11")
    + _codes("sinch", "413")
    + _codes("meta", "368 131031 131042 131057"),
    SENDER: "smtp_553"
    + _twilio(
        "21212 21267 21601 21603 21606 21612 21616 21621 21622 21659 21660 21661 21701 21703 21704 21705 "
        "21910 30018 30024 30032 30033 30034 30035 63002 63007 63008 63022"
    )
    + _codes("vonage", "15 receipt_39 receipt_51")
    + _codes("sinch", "missing_originator 410 412")
    + _codes("meta", "33 131021 131037 131045 133010")
    + _codes("resend", "invalid_from_address invalid_access"),
    UNREACHABLE: "connect_timeout connect_failed connection_refused dns_failure tls_failure http_408 http_425 smtp_421",
    SILENT: "timeout connection_reset unreadable_answer" + _codes("vonage", "5 partly_accepted"),
    TROUBLE: "http_5*"
    + _twilio("21730 30008 30009 30410 30500 63009 63010 63012 63023")
    + _codes("sinch", "403 404")
    + _codes("meta", "1 2 131000 131016 133004")
    + _codes("resend", "failed canceled"),
    CARRIER: _twilio("30003 30017") + _codes("vonage", "receipt_2 receipt_7 receipt_8") + _codes("sinch", "failed"),
    PUT_OFF: "smtp_4*" + _codes("resend", "concurrent_idempotent_requests"),
    TOO_FAST: "http_429"
    + _twilio("14107 20429 21611 30001 30022 30023 30027 60728 63017 63018 63038")
    + _codes("vonage", "1 10")
    + _codes("meta", "4 80007 130429 131048 131056")
    + _codes("resend", "rate_limit_exceeded daily_quota_exceeded monthly_quota_exceeded"),
    ADDRESS: "no_address bad_address smtputf8_not_offered smtp_550 smtp_551"
    + _twilio(
        "21211 21214 21217 21219 21265 21266 21268 21401 21407 21421 21604 21608 21614 21635 30005 30006 "
        "30011 63003 63015 63024 63031"
    )
    + _codes("vonage", "6 29 33 receipt_3 receipt_11 receipt_12")
    + _codes("sinch", "syntax_invalid_parameter_format 402 deleted")
    + _codes("meta", "131026 131030")
    + _codes("resend", "bounced suppressed")
    + _codes("push", "gone service_not_allowed"),
    UNWANTED: "opted_out"
    + _twilio("21610 63014 63033")
    + _codes("vonage", "receipt_9 receipt_53")
    + _codes("meta", "131050")
    + _codes("resend", "spam"),
    COUNTRY: "country_not_allowed" + _twilio("21408") + _codes("meta", "130497"),
    BLOCKED: "smtp_554 refused"
    + _twilio("30004 30007 30010 30038 30039 30450 63013 63032 63049")
    + _codes("vonage", "7 receipt_4 receipt_6 receipt_13 receipt_14 receipt_50 receipt_54")
    + _codes("sinch", "408 rejected")
    + _codes("meta", "130472 131049"),
    WORDS: "rendering_failed bad_header bad_variables no_template unsendable smtp_552"
    + _twilio(
        "21602 21605 21617 21618 21619 21654 21655 21656 21658 30019 30044 63005 63006 63016 63021 63027 "
        "63028 63029 63030 63040 63041 63042"
    )
    + _codes("vonage", "12 receipt_10 receipt_52")
    + _codes("sinch", "syntax_constraint_violation 405 411")
    + _codes(
        "meta",
        "100 131008 131009 131047 131051 131052 131053 "
        "132000 132001 132005 132007 132012 132015 132016 132068 132069 too_long",
    )
    + _codes("resend", "invalid_attachment missing_required_field")
    + _codes("push", "too_large"),
    WORDS_HELD: "words_held",
    OURS: "internal_error bad_outcome not_storable",
    RELAYS_LOST: "relay_lost",
    CAP: "cap_*",
    SPEND_CAP: "spend_cap",
    TOO_LATE: "expired quiet_hours" + _twilio("30036") + _codes("vonage", "expired") + _codes("sinch", "406 expired"),
    OTHER: "*",
}


def cause_of(code: str) -> Cause:
    """The cause behind `code`: the first in CODES that names it. `asking_…`: the same trouble, met when asking."""
    code = code.removeprefix("asking_")
    return next(cause for cause, pattern in _PATTERNS if pattern.fullmatch(code))


def reason(code: str, detail: str = "") -> str:
    """What is wrong, as the end of a sentence, with the code and the provider's words behind it."""
    behind = ", ".join(filter(None, (code, detail)))
    return f"{cause_of(code).what} ({behind})" if behind else cause_of(code).what


def _pattern(codes: str) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(code).replace(r"\*", ".*") for code in codes.split()), re.DOTALL)


_PATTERNS = [(cause, _pattern(codes)) for cause, codes in CODES.items()]
