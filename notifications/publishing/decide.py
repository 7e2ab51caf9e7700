"""Decides, when a message is published, which channels may be used, and whether it is held until quiet hours end."""

from collections.abc import Collection
from datetime import datetime
from functools import partial

from notifications import conf, kinds
from notifications.content.localization import zone_of
from notifications.kinds import Kind
from notifications.policy.suppression import hold, suppression


def decide(
    kind: Kind, *, opt_outs: Collection[str], time_zone: str, expires_at: datetime | None, now: datetime
) -> tuple[dict[str, str], datetime | None]:
    """Why each channel of `kind` may not be used, empty where it may, and until when quiet hours hold the message."""
    suppressions = _suppressions(kind, opt_outs)
    hours = kinds.quiet_hours_of(kind.name, everywhere=conf.quiet_hours())
    expires_in = (expires_at - now).total_seconds() if expires_at else None
    held = hold(hours, now=now, time_zone=zone_of(time_zone).key, expires_in=expires_in)
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
