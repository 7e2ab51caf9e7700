"""Template tags of the board: its addresses, durations and numbers."""

import re
from typing import Any

from django import template
from django.urls import NoReverseMatch
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from notifications.board import formats
from notifications.content.own_paths import path_of

register = template.Library()


@register.simple_tag
def board_url(name: str, *arguments: Any) -> str:
    """{% board_url "command" relay.id "stop" %}: the address; empty if the project does not include the board."""
    try:
        return path_of(f"outbox:{name}", *arguments)
    except NoReverseMatch:
        return ""


@register.filter
def duration(seconds: float | None) -> str:
    """{{ delay.p95|duration }} → 1.2 s; a dash where there is nothing to tell."""
    return "–" if seconds is None else formats.duration(seconds)


@register.filter
def number(value: float) -> str:
    """{{ sent|number }} → 12345 → 12,345."""
    return formats.number(value)


@register.filter
def runbook(text: str) -> SafeString:
    """The runbook's words, which are the docs' Markdown, as HTML: `code`, *emphasis*, and links by their words."""
    plain = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    coded = re.sub("`([^`]+)`", r"<code>\1</code>", escape(plain))
    return mark_safe(re.sub(r"\*([^*]+)\*", r"<em>\1</em>", coded))  # noqa: S308  (escaped, and our own words)
