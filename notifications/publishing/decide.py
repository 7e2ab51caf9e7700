"""Decides, when a message is published, which channels may be used, and whether it is held until quiet hours end."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Self

from notifications import conf, kinds
from notifications.channels import field_of, goes_to_browsers
from notifications.content.localization import zone_of
from notifications.kinds import Kind
from notifications.models import Recipient
from notifications.policy.suppression import NO_ADDRESS, hold, suppression


@dataclass(frozen=True, slots=True)
class Times:
    """When a message is published, when it is to be sent if that is later, and when it is too late."""

    now: datetime
    send_at: datetime | None
    expires_at: datetime | None

    @classmethod
    def of(cls, kind: Kind, *, now: datetime, send_at: datetime | None, expires_at: datetime | None) -> Self:
        """A `send_at` that has passed means now. What the kind says of expiry counts from when the message is due."""
        later = send_at if send_at is not None and send_at > now else None
        if expires_at is None and kind.expires_after is not None:
            expires_at = (later or now) + kind.expires_after
        return cls(now, later, expires_at)


@dataclass(frozen=True, slots=True)
class Reached:
    """How a recipient can be reached: what they refuse, their time zone, and whether they have each address."""

    opt_outs: tuple[str, ...]
    time_zone: str
    has_phone: bool
    has_email: bool
    has_push: bool = False

    @classmethod
    def of(cls, recipient: Recipient) -> Self:
        """As the locked row says."""
        return cls(
            tuple(recipient.opt_outs),
            recipient.time_zone,
            bool(recipient.phone),
            bool(recipient.email),
            recipient.has_push,
        )

    def is_reached_by(self, channel: str) -> bool:
        """Whether they have the address that the channel writes to."""
        if goes_to_browsers(channel):
            return self.has_push
        return {"phone": self.has_phone, "email": self.has_email}.get(field_of(channel), True)


def decide(kind: Kind, recipient: Reached, *, times: Times) -> tuple[dict[str, str], datetime | None]:
    """Why each channel of `kind` may not be used, empty where it may, and until when the message is held.

    A channel without its address is left out if another one
    reaches the recipient; if none does, each message fails, so that somebody hears of it.

    One that is to be sent later is held until then; whether quiet hours hold it longer, the relay decides when it is
    due, by what the recipient's hours are then.
    """
    suppressions = _suppressions(kind, recipient)
    if times.send_at is not None:
        return suppressions, times.send_at
    hours = kinds.quiet_hours_of(kind.name, everywhere=conf.quiet_hours())
    expires_in = (times.expires_at - times.now).total_seconds() if times.expires_at else None
    held = hold(hours, now=times.now, time_zone=zone_of(recipient.time_zone).key, expires_in=expires_in)
    if held is None:
        return suppressions, None
    if held.code:
        suppressions = {channel: code or held.code for channel, code in suppressions.items()}
    return suppressions, held.until


def _suppressions(kind: Kind, recipient: Reached) -> dict[str, str]:
    """By channel of `kind`: the code of why it is suppressed for `recipient`, or an empty text."""
    code = partial(suppression, purpose=kind.purpose, opt_outs=recipient.opt_outs)
    suppressions = {channel: code(channel) for channel in kind.channels}
    unreachable = {channel for channel in suppressions if not recipient.is_reached_by(channel)}
    for channel in unreachable if len(suppressions) > 1 else ():
        if goes_to_browsers(channel):  # who signed up none misses nothing, and there is nothing to tell
            del suppressions[channel]
    unreachable &= suppressions.keys()
    if any(not why and channel not in unreachable for channel, why in suppressions.items()):
        suppressions |= {channel: suppressions[channel] or NO_ADDRESS for channel in unreachable}
    for channel, fallback in kind.fallback.items():  # if the first channel is not used, the other is used at once
        if suppressions.get(channel) and not code(fallback.channel) and recipient.is_reached_by(fallback.channel):
            suppressions.setdefault(fallback.channel, "")
    return suppressions
