"""Decides, when a message is published, which channels may be used, and whether it is held until quiet hours end."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Self

from notifications import conf, kinds
from notifications.content.localization import zone_of
from notifications.kinds import Kind
from notifications.policy.suppression import hold, suppression


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


def decide(
    kind: Kind, *, opt_outs: Collection[str], time_zone: str, times: Times
) -> tuple[dict[str, str], datetime | None]:
    """Why each channel of `kind` may not be used, empty where it may, and until when the message is held.

    One that is to be sent later is held until then; whether quiet hours hold it longer, the relay decides when it is
    due, by what the recipient's hours are then.
    """
    suppressions = _suppressions(kind, opt_outs)
    if times.send_at is not None:
        return suppressions, times.send_at
    hours = kinds.quiet_hours_of(kind.name, everywhere=conf.quiet_hours())
    expires_in = (times.expires_at - times.now).total_seconds() if times.expires_at else None
    held = hold(hours, now=times.now, time_zone=zone_of(time_zone).key, expires_in=expires_in)
    if held is None:
        return suppressions, None
    if held.code:
        suppressions = {channel: code or held.code for channel, code in suppressions.items()}
    return suppressions, held.until


def _suppressions(kind: Kind, opt_outs: Collection[str]) -> dict[str, str]:
    """By channel of `kind`: the code of why it is suppressed for who has these `opt_outs`, or an empty text."""
    code = partial(suppression, purpose=kind.purpose, opt_outs=opt_outs)
    suppressions = {channel: code(channel) for channel in kind.channels}
    for channel, fallback in kind.fallback.items():  # if the first channel is not wanted, the other is used at once
        if suppressions.get(channel) and not code(fallback.channel):
            suppressions.setdefault(fallback.channel, "")
    return suppressions
