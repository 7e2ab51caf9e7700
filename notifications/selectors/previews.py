"""What a kind's messages look like on every channel, with the kind's own sample: for authors of templates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from notifications.channels import needs_of
from notifications.content.compose import put_into_words
from notifications.content.rendering import RenderingError
from notifications.content.sms_segments import Segments, segments
from notifications.kinds import Kind


@dataclass(frozen=True, slots=True)
class Preview:
    """One channel's message: its parts by name, or the `problem` that keeps them from being rendered."""

    channel: str
    parts: Mapping[str, str] = field(default_factory=dict)
    segments: Segments | None = None  # of an SMS
    problem: str = ""


def preview(
    kind: Kind,
    *,
    locale: str,
    time_zone: str,
    context: Mapping[str, Any] | None = None,
    channel: str = "",
    recipient_id: int = 0,
) -> list[Preview]:
    """The messages of `kind` on all its channels, or on one; with its sample, unless a `context` is given."""
    others = [fallback.channel for fallback in kind.fallback.values()]
    channels = [channel] if channel else list(dict.fromkeys([*kind.channels, *others]))
    facts = kind.sample if context is None else context
    return [_preview(kind, each, facts, recipient_id, locale=locale, time_zone=time_zone) for each in channels]


def _preview(
    kind: Kind, channel: str, context: Mapping[str, Any], recipient_id: int, *, locale: str, time_zone: str
) -> Preview:
    needs = needs_of(channel)
    if needs is None:
        return Preview(channel, problem=f"No channel called {channel} is configured.")
    try:
        worded = put_into_words(
            kind.name,
            context,
            channel=channel,
            templates=needs.templates,
            treat=needs.harmless,
            recipient_id=recipient_id,
            locale=locale,
            time_zone=time_zone,
        )
    except RenderingError as error:
        return Preview(channel, problem=str(error))
    text = worded.parts.get("text", "")
    return Preview(channel, worded.parts, segments(text) if needs.is_charged_by_segment else None)
