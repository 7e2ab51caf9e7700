"""Renders a message, the same way for the relay that sends it and for staff who look at it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from notifications import kinds
from notifications.content.rendering import RenderingError, render
from notifications.content.sanitize import Sanitizer
from notifications.content.shared_context import Facts, shared_context
from notifications.content.unsubscribe_links import Subscription, link_for

UNSUBSCRIBE_URL = "unsubscribe_url"  # what templates call it; only messages with an unsubscribe link have it


class Form(NamedTuple):
    """A channel's format: the template of each part, and how it treats text that people typed."""

    channel: str
    templates: Mapping[str, str]
    sanitizer: Sanitizer = str


class Reader(NamedTuple):
    """For whom a message is rendered. `recipient_id` is 0 for a preview."""

    recipient_id: int
    locale: str
    time_zone: str


class Worded(NamedTuple):
    """The rendered parts by name, and the unsubscribe link, or an empty text."""

    parts: Mapping[str, str]
    unsubscribe_url: str = ""


def put_into_words(kind: str, context: Mapping[str, Any], *, form: Form, reader: Reader) -> Worded:
    """Render a message of `kind`. Raises RenderingError."""
    url = link_for(Subscription(reader.recipient_id, form.channel, kinds.purpose_of(kind)))
    links = kinds.links_of(kind)
    ours = _shared(Facts(kind, form.channel, context, reader.locale, reader.time_zone, reader.recipient_id))
    if url:
        ours[UNSUBSCRIBE_URL] = url
    if ours:
        context, links = {**context, **ours}, links | ours.keys()
    parts = render(
        kind,
        form.templates,
        context,
        locale=reader.locale,
        time_zone=reader.time_zone,
        links=links,
        sanitizer=form.sanitizer,
    )
    return Worded(parts, url)


def _shared(message: Facts) -> dict[str, Any]:
    """What the project adds. Raises RenderingError for whatever its function raises."""
    try:
        return shared_context(message)
    except Exception as error:
        raise RenderingError(f"OUTBOX_CONTEXT: {type(error).__name__}: {error}") from error
