"""The outbox's settings, read from Django's, each with its default. Units: seconds, unless the name says otherwise."""

from dataclasses import dataclass
from math import inf
from typing import Literal

from django.conf import settings

from notifications.policy.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `most` messages `per` hour or day of the clock to each recipient, or to each phone number."""

    of: Literal["recipient", "number"]
    per: Literal["hour", "day"]
    most: int


LANES = ("recipient", "recipient+channel")
RESCUES = ("prompt", "lease")


def retry_policy(channel: str) -> RetryPolicy:
    """The policy of OUTBOX_MAX_ATTEMPTS, OUTBOX_BACKOFF_SECONDS, OUTBOX_BACKOFF_MAX_SECONDS and OUTBOX_MAX_RESCUES.

    OUTBOX_MAX_ATTEMPTS_OF, a dict by channel, takes the place of the first.
    """
    everywhere = getattr(settings, "OUTBOX_MAX_ATTEMPTS", 3)
    return RetryPolicy(
        max_attempts=getattr(settings, "OUTBOX_MAX_ATTEMPTS_OF", {}).get(channel, everywhere),
        backoff_seconds=getattr(settings, "OUTBOX_BACKOFF_SECONDS", 10),
        backoff_max_seconds=getattr(settings, "OUTBOX_BACKOFF_MAX_SECONDS", 600),
        max_rescues=getattr(settings, "OUTBOX_MAX_RESCUES", 5),
    )


def rate(channel: str) -> float:
    """The most messages a second that the channel may send, over all relays (OUTBOX_RATES, by channel); inf: any."""
    return float(getattr(settings, "OUTBOX_RATES", {}).get(channel) or inf)


def lease_seconds() -> float:
    """How long a relay's claims stay its own after its last heartbeat (OUTBOX_LEASE_SECONDS)."""
    return float(getattr(settings, "OUTBOX_LEASE_SECONDS", 60))


def send_timeout_seconds() -> float:
    """The total time one send may take (OUTBOX_SEND_TIMEOUT_SECONDS); shorter than the lease."""
    return float(getattr(settings, "OUTBOX_SEND_TIMEOUT_SECONDS", 15))


def ask_before_resend() -> bool:
    """Whether a provider is asked about attempts of unknown outcome before a message is sent again
    (OUTBOX_ASK_BEFORE_RESEND)."""
    return bool(getattr(settings, "OUTBOX_ASK_BEFORE_RESEND", True))


@dataclass(frozen=True, slots=True)
class AlertLimits:
    """What is worth an alert: more seconds due, percent failed, seconds of a snapshot (0: never) than these."""

    age_seconds: float
    failure_percent: float
    snapshot_seconds: float


def alert_limits() -> AlertLimits:
    """OUTBOX_ALERT_AGE_SECONDS, OUTBOX_ALERT_FAILURE_PERCENT and OUTBOX_ALERT_SNAPSHOT_SECONDS."""
    return AlertLimits(
        age_seconds=float(getattr(settings, "OUTBOX_ALERT_AGE_SECONDS", 300)),
        failure_percent=float(getattr(settings, "OUTBOX_ALERT_FAILURE_PERCENT", 20)),
        snapshot_seconds=float(getattr(settings, "OUTBOX_ALERT_SNAPSHOT_SECONDS", 3600)),
    )


def prune_days() -> float:
    """After how many days the schedule removes what has ended (OUTBOX_PRUNE_DAYS); 0: never."""
    return float(getattr(settings, "OUTBOX_PRUNE_DAYS", 0))


def lane() -> str:
    """What moves strictly in order: all of a recipient's messages, or those of each channel apart (OUTBOX_LANE)."""
    return getattr(settings, "OUTBOX_LANE", "recipient")


def lane_name(channel: str) -> str:
    """The name of the lane in which messages of `channel` move; empty: the recipient's one lane."""
    return channel if lane() == "recipient+channel" else ""


def rescue() -> str:
    """When a relay counts as dead: `prompt`, once its connection drops; `lease`, once its lease ran out."""
    return getattr(settings, "OUTBOX_RESCUE", "prompt")


def quiet_hours() -> str:
    """When messages that may wait are held, by the recipient's clock (OUTBOX_QUIET_HOURS: 22-8); empty: never."""
    return getattr(settings, "OUTBOX_QUIET_HOURS", "")


def allowed_countries() -> frozenset[str]:
    """The countries whose numbers may be written to (OUTBOX_ALLOWED_COUNTRIES: ISO 3166-1 alpha-2); none: all."""
    return frozenset(getattr(settings, "OUTBOX_ALLOWED_COUNTRIES", ()))


def caps() -> list[Cap]:
    """Those of OUTBOX_CAP_RECIPIENT_HOUR, …_RECIPIENT_DAY, …_NUMBER_HOUR and …_NUMBER_DAY that are set; 0: no cap."""
    known = (
        Cap("recipient", "hour", getattr(settings, "OUTBOX_CAP_RECIPIENT_HOUR", 0)),
        Cap("recipient", "day", getattr(settings, "OUTBOX_CAP_RECIPIENT_DAY", 0)),
        Cap("number", "hour", getattr(settings, "OUTBOX_CAP_NUMBER_HOUR", 0)),
        Cap("number", "day", getattr(settings, "OUTBOX_CAP_NUMBER_DAY", 0)),
    )
    return [cap for cap in known if cap.most]


def link_keys() -> list[str]:
    """The keys of unsubscribe links, the one that signs first; links of all of them are read.

    OUTBOX_LINK_KEY and OUTBOX_LINK_KEY_FALLBACKS, then SECRET_KEY and SECRET_KEY_FALLBACKS: a link outlives the keys of
    sessions, because emails are kept for years.
    """
    own = [getattr(settings, "OUTBOX_LINK_KEY", ""), *getattr(settings, "OUTBOX_LINK_KEY_FALLBACKS", ())]
    return [key for key in (*own, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS) if key]


def metrics() -> list[str]:
    """Dotted paths of the project's own collectors, which /metrics shows beside the outbox's (OUTBOX_METRICS)."""
    return list(getattr(settings, "OUTBOX_METRICS", []))


def stop_words() -> tuple[str, ...]:
    """Further words that opt out, where one is all of a reply (OUTBOX_STOP_WORDS); English and German are known."""
    return tuple(getattr(settings, "OUTBOX_STOP_WORDS", ()))


def start_words() -> tuple[str, ...]:
    """Further words that opt in again (OUTBOX_START_WORDS)."""
    return tuple(getattr(settings, "OUTBOX_START_WORDS", ()))


def metrics_token() -> str:
    """The bearer token for /metrics, of the web and of relays (METRICS_TOKEN); empty: none."""
    return str(getattr(settings, "METRICS_TOKEN", ""))
