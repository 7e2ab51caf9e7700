"""Template filters of the board: durations and numbers."""

from django import template

from notifications.board import formats

register = template.Library()


@register.filter
def duration(seconds: float | None) -> str:
    """{{ delay.p95|duration }} → 1.2 s; a dash where there is nothing to tell."""
    return "–" if seconds is None else formats.duration(seconds)


@register.filter
def number(value: float) -> str:
    """{{ sent|number }} → 12345 → 12,345."""
    return formats.number(value)
