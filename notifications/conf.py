"""The outbox's settings, read from Django's, each with its default. Units: seconds, unless the name says otherwise."""

from dataclasses import dataclass
from math import inf
from typing import Any, Literal

from django.conf import settings

from notifications.policy.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `most` messages `per` hour or day (UTC) to each recipient, or to each phone number."""

    of: Literal["recipient", "number"]
    per: Literal["hour", "day"]
    most: int


LANES = ("recipient", "recipient+channel")
RESCUES = ("prompt", "lease")
CLOCKS = ("relay", "apart")
EVERY_COUNTRY = "*"
DEFAULTS: dict[str, Any] = {
    "OUTBOX_MAX_ATTEMPTS": 3,
    "OUTBOX_MAX_ATTEMPTS_OF": {},
    "OUTBOX_BACKOFF_SECONDS": 10,
    "OUTBOX_BACKOFF_MAX_SECONDS": 600,
    "OUTBOX_MAX_RESCUES": 5,
    "OUTBOX_MAX_DEFERRALS": 10,
    "OUTBOX_DEFERRAL_SECONDS": 300,
    "OUTBOX_DEFERRAL_MAX_SECONDS": 3600,
    "OUTBOX_RATES": {},
    "OUTBOX_ROUTES": {},
    "OUTBOX_ROUTE_PATIENCE_SECONDS": 30,
    "OUTBOX_ROUTE_SLOW_SECONDS": 5,
    "OUTBOX_ROUTE_RETURN_SECONDS": 300,
    "OUTBOX_SPEND_CAPS": {},
    "OUTBOX_SPEND_CURRENCY": "",
    "OUTBOX_LEASE_SECONDS": 60,
    "OUTBOX_SEND_TIMEOUT_SECONDS": 15,
    "OUTBOX_ASK_BEFORE_RESEND": True,
    "OUTBOX_ASK_PRICES": True,
    "OUTBOX_ALERT_AGE_SECONDS": 300,
    "OUTBOX_ALERT_FAILURE_PERCENT": 20,
    "OUTBOX_ALERT_SNAPSHOT_SECONDS": 3600,
    "OUTBOX_PRUNE_DAYS": 0,
    "OUTBOX_LANE": "recipient",
    "OUTBOX_RESCUE": "prompt",
    "OUTBOX_QUIET_HOURS": "",
    "OUTBOX_ALLOWED_COUNTRIES": (),
    "OUTBOX_CAP_RECIPIENT_HOUR": 60,
    "OUTBOX_CAP_RECIPIENT_DAY": 200,
    "OUTBOX_CAP_NUMBER_HOUR": 30,
    "OUTBOX_CAP_NUMBER_DAY": 60,
    "OUTBOX_CAP_REPEATS_DAY": 3,
    "OUTBOX_CONVERSATION_DAYS": 30,
    "OUTBOX_VERIFICATION_DAYS": 30,
    "OUTBOX_VERIFY_ADDRESSES": True,
    "OUTBOX_TRUST_USER_EMAIL": True,
    "OUTBOX_CONTACT_OF": "notifications.recipients.user_contact.from_user",
    "OUTBOX_CONTEXT": "",
    "OUTBOX_ATTACHMENTS_MAX_BYTES": 5_000_000,
    "OUTBOX_MEDIA_HOURS": 24,
    "OUTBOX_SENDER_OF_KIND": {},
    "OUTBOX_REPLY_TO_OF_KIND": {},
    "OUTBOX_CLOCK": "relay",
    "OUTBOX_CODE_MINUTES": 10,
    "OUTBOX_CODE_GUESSES": 5,
    "OUTBOX_CODES_PER_HOUR": 5,
    "OUTBOX_CODES_PER_DAY": 10,
    "OUTBOX_LINK_KEY": "",
    "OUTBOX_RELEASE": "",
    "OUTBOX_LINK_KEY_FALLBACKS": (),
    "OUTBOX_METRICS": [],
    "OUTBOX_API_AUTHENTICATION": (),
    "OUTBOX_SENDS": True,
    "OUTBOX_SENDS_IN_TESTS": False,
    "OUTBOX_NAME_FIELDS": (),
    "OUTBOX_STOP_WORDS": (),
    "OUTBOX_START_WORDS": (),
}


def setting(name: str) -> Any:
    """What the project set, or the default."""
    return getattr(settings, name, DEFAULTS[name])


def retry_policy(channel: str) -> RetryPolicy:
    """The policy of OUTBOX_MAX_ATTEMPTS, OUTBOX_BACKOFF_SECONDS, OUTBOX_BACKOFF_MAX_SECONDS and OUTBOX_MAX_RESCUES,
    and of OUTBOX_MAX_DEFERRALS, OUTBOX_DEFERRAL_SECONDS and OUTBOX_DEFERRAL_MAX_SECONDS.

    OUTBOX_MAX_ATTEMPTS_OF, a dict by channel, overrides the first.
    """
    return RetryPolicy(
        max_attempts=setting("OUTBOX_MAX_ATTEMPTS_OF").get(channel, setting("OUTBOX_MAX_ATTEMPTS")),
        backoff_seconds=setting("OUTBOX_BACKOFF_SECONDS"),
        backoff_max_seconds=setting("OUTBOX_BACKOFF_MAX_SECONDS"),
        max_rescues=setting("OUTBOX_MAX_RESCUES"),
        max_deferrals=setting("OUTBOX_MAX_DEFERRALS"),
        deferral_seconds=setting("OUTBOX_DEFERRAL_SECONDS"),
        deferral_max_seconds=setting("OUTBOX_DEFERRAL_MAX_SECONDS"),
    )


def rate(channel: str) -> float:
    """The most messages a second that the channel may send, over all relays (OUTBOX_RATES, by channel); inf: any."""
    return float(setting("OUTBOX_RATES").get(channel) or inf)


def lease_seconds() -> float:
    """How long a relay's claims stay its own after its last heartbeat (OUTBOX_LEASE_SECONDS)."""
    return float(setting("OUTBOX_LEASE_SECONDS"))


def send_timeout_seconds() -> float:
    """The total time one send may take (OUTBOX_SEND_TIMEOUT_SECONDS); shorter than the lease."""
    return float(setting("OUTBOX_SEND_TIMEOUT_SECONDS"))


def ask_before_resend() -> bool:
    """Whether a provider is asked about lost answers before a message is sent again (OUTBOX_ASK_BEFORE_RESEND)."""
    return bool(setting("OUTBOX_ASK_BEFORE_RESEND"))


def ask_prices() -> bool:
    """Whether a provider that tells prices is asked what each message cost (OUTBOX_ASK_PRICES)."""
    return bool(setting("OUTBOX_ASK_PRICES"))


@dataclass(frozen=True, slots=True)
class AlertLimits:
    """Above these, an alert starts: seconds that a message is due, percent failed, seconds of a snapshot (0: never)."""

    age_seconds: float
    failure_percent: float
    snapshot_seconds: float


def alert_limits() -> AlertLimits:
    """OUTBOX_ALERT_AGE_SECONDS, OUTBOX_ALERT_FAILURE_PERCENT and OUTBOX_ALERT_SNAPSHOT_SECONDS."""
    return AlertLimits(
        age_seconds=float(setting("OUTBOX_ALERT_AGE_SECONDS")),
        failure_percent=float(setting("OUTBOX_ALERT_FAILURE_PERCENT")),
        snapshot_seconds=float(setting("OUTBOX_ALERT_SNAPSHOT_SECONDS")),
    )


def prune_days() -> float:
    """After how many days the schedule removes what has ended (OUTBOX_PRUNE_DAYS); 0: never."""
    return float(setting("OUTBOX_PRUNE_DAYS"))


def lane() -> str:
    """What is sent strictly in order: all of a recipient's messages, or each channel's on their own (OUTBOX_LANE)."""
    return str(setting("OUTBOX_LANE"))


def is_lane_by_channel() -> bool:
    """Whether each channel's messages go in a lane of their own."""
    return lane() == "recipient+channel"


def rescue() -> str:
    """When a relay counts as dead: `prompt`, once its connection drops; `lease`, once its lease ran out."""
    return str(setting("OUTBOX_RESCUE"))


def clock() -> str:
    """Who runs the outbox's periodic work (OUTBOX_CLOCK): the relays (`relay`), or `run_outbox_clock` (`apart`)."""
    return str(setting("OUTBOX_CLOCK"))


def quiet_hours() -> str:
    """When messages that may wait are held, by the recipient's clock (OUTBOX_QUIET_HOURS: 22-8); empty: never."""
    return str(setting("OUTBOX_QUIET_HOURS"))


def allowed_countries() -> frozenset[str]:
    """The countries whose numbers may be written to (OUTBOX_ALLOWED_COUNTRIES: ISO 3166-1 alpha-2); none: all."""
    return frozenset(setting("OUTBOX_ALLOWED_COUNTRIES")) - {EVERY_COUNTRY}


def names_countries() -> bool:
    """Whether OUTBOX_ALLOWED_COUNTRIES says anything, be it that all are allowed (`*`)."""
    return bool(setting("OUTBOX_ALLOWED_COUNTRIES"))


def caps() -> list[Cap]:
    """The caps that OUTBOX_CAP_RECIPIENT_HOUR, …_RECIPIENT_DAY, …_NUMBER_HOUR and …_NUMBER_DAY set; 0: no cap."""
    known = (
        Cap("recipient", "hour", setting("OUTBOX_CAP_RECIPIENT_HOUR")),
        Cap("recipient", "day", setting("OUTBOX_CAP_RECIPIENT_DAY")),
        Cap("number", "hour", setting("OUTBOX_CAP_NUMBER_HOUR")),
        Cap("number", "day", setting("OUTBOX_CAP_NUMBER_DAY")),
    )
    return [cap for cap in known if cap.most]


def conversation_days() -> float:
    """After how many days it is forgotten when somebody last wrote to us (OUTBOX_CONVERSATION_DAYS); 0: never."""
    return float(setting("OUTBOX_CONVERSATION_DAYS"))


def verification_days() -> float:
    """After how many days a code's row is deleted (OUTBOX_VERIFICATION_DAYS); 0: never."""
    return float(setting("OUTBOX_VERIFICATION_DAYS"))


def verifies_addresses() -> bool:
    """Whether an address that a person enters is used only once its code came back (OUTBOX_VERIFY_ADDRESSES)."""
    return bool(setting("OUTBOX_VERIFY_ADDRESSES"))


def trusts_user_email() -> bool:
    """Whether the project vouches for the email addresses of its user table (OUTBOX_TRUST_USER_EMAIL)."""
    return bool(setting("OUTBOX_TRUST_USER_EMAIL"))


def contact_of() -> str:
    """The dotted path of the function that says a user's phone, email, language and zone (OUTBOX_CONTACT_OF); empty:
    only the recipients' rows do."""
    return str(setting("OUTBOX_CONTACT_OF"))


def context_function() -> str:
    """The dotted path of the function that adds to every message's context (OUTBOX_CONTEXT); empty: none."""
    return str(setting("OUTBOX_CONTEXT"))


@dataclass(frozen=True, slots=True)
class CodeLimits:
    """How long a code holds, how often it may be guessed at, and how many codes an account or an address may get."""

    minutes: float
    guesses: int
    per_hour: int
    per_day: int


def code_limits() -> CodeLimits:
    """OUTBOX_CODE_MINUTES, OUTBOX_CODE_GUESSES, OUTBOX_CODES_PER_HOUR and OUTBOX_CODES_PER_DAY."""
    return CodeLimits(
        minutes=float(setting("OUTBOX_CODE_MINUTES")),
        guesses=int(setting("OUTBOX_CODE_GUESSES")),
        per_hour=int(setting("OUTBOX_CODES_PER_HOUR")),
        per_day=int(setting("OUTBOX_CODES_PER_DAY")),
    )


def link_keys() -> list[str]:
    """The keys of unsubscribe links. The first one signs; links that any of them signed work.

    OUTBOX_LINK_KEY and OUTBOX_LINK_KEY_FALLBACKS, then SECRET_KEY and SECRET_KEY_FALLBACKS: a link outlives the keys of
    sessions, because emails are kept for years.
    """
    own = [setting("OUTBOX_LINK_KEY"), *setting("OUTBOX_LINK_KEY_FALLBACKS")]
    return [key for key in (*own, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS) if key]


def metrics() -> list[str]:
    """Dotted paths of the project's own collectors, which /metrics shows beside the outbox's (OUTBOX_METRICS)."""
    return list(setting("OUTBOX_METRICS"))


def sends() -> bool:
    """Whether this process may send (OUTBOX_SENDS): one that only publishes needs no provider's credentials."""
    return bool(setting("OUTBOX_SENDS"))


def sends_in_tests() -> bool:
    """Whether a test run uses the channels as they are configured (OUTBOX_SENDS_IN_TESTS), and not memory ones."""
    return bool(setting("OUTBOX_SENDS_IN_TESTS"))


def stop_words() -> tuple[str, ...]:
    """Further words that opt out if they are the whole reply (OUTBOX_STOP_WORDS); English and German are known."""
    return tuple(setting("OUTBOX_STOP_WORDS"))


def start_words() -> tuple[str, ...]:
    """Further words that opt in again (OUTBOX_START_WORDS)."""
    return tuple(setting("OUTBOX_START_WORDS"))


def metrics_token() -> str:
    """The bearer token for /metrics, of the web and of relays (METRICS_TOKEN); empty: none."""
    return str(getattr(settings, "METRICS_TOKEN", ""))


def api_authentication() -> list[str]:
    """The classes, by dotted path, by which the staff API knows its callers; empty: the REST framework's defaults."""
    return list(setting("OUTBOX_API_AUTHENTICATION"))


def release() -> str:
    """What this process's release is called (OUTBOX_RELEASE); empty: it is told by a digest of its files."""
    return str(setting("OUTBOX_RELEASE"))
