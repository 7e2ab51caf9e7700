"""Renders a kind's messages on every channel, with the kind's sample data, for authors of templates."""

from collections.abc import Mapping
from typing import Any

from notifications.content.compose import Reader
from notifications.kinds import Kind
from notifications.selectors.outgoing import Words, rendered, without_keys


def preview_kind(
    kind: Kind,
    *,
    locale: str,
    time_zone: str,
    context: Mapping[str, Any] | None = None,
    channel: str = "",
    recipient_id: int = 0,
) -> list[Words]:
    """The messages of `kind` on all its channels, or on one. Without a `context`, the kind's sample is used.

    A sample's links are masked: what it names by a number may be somebody's.
    """
    others = [fallback.channel for fallback in kind.fallback.values()]
    channels = [channel] if channel else list(dict.fromkeys([*kind.channels, *others]))
    facts = kind.sample if context is None else context
    reader = Reader(recipient_id, locale, time_zone)
    previews = [rendered(kind.name, facts, channel=each, reader=reader) for each in channels]
    return previews if recipient_id else list(map(without_keys, previews))
