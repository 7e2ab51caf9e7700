"""Renders a message, the same way for the relay that sends it and for staff who look at it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from notifications import kinds
from notifications.content.attachments import files_of
from notifications.content.letterhead import letterhead_of
from notifications.content.rendering import render
from notifications.content.sanitize import Sanitizer
from notifications.content.shared_context import shared_context
from notifications.content.unsubscribe_links import Subscription, link_for
from notifications.policy.attachment import Facts, File
from notifications.policy.letterhead import PLAIN, Letterhead

UNSUBSCRIBE_URL = "unsubscribe_url"  # what templates call it; only messages with an unsubscribe link have it


class Form(NamedTuple):
    """A channel's format: the template of each part, how it treats text that people typed, whether it is a letter."""

    channel: str
    templates: Mapping[str, str]
    sanitizer: Sanitizer = str
    has_letterhead: bool = False


class Reader(NamedTuple):
    """For whom a message is rendered. `recipient_id` is 0 for a preview, which has no address."""

    recipient_id: int
    locale: str
    time_zone: str
    address: str = ""


class Worded(NamedTuple):
    """The rendered parts by name, the unsubscribe link, or an empty text, and what else a message carries."""

    parts: Mapping[str, str]
    unsubscribe_url: str = ""
    files: tuple[File, ...] = ()
    letterhead: Letterhead = PLAIN


def put_into_words(
    kind: str, context: Mapping[str, Any], *, form: Form, reader: Reader, with_files: bool = True
) -> Worded:
    """Render a message of `kind`, and build its files unless they are not wanted. Raises RenderingError."""
    url = link_for(Subscription(reader.recipient_id, form.channel, kinds.purpose_of(kind)))
    links = kinds.links_of(kind)
    message = Facts(kind, form.channel, context, reader.locale, reader.time_zone, reader.recipient_id, reader.address)
    shared = shared_context(message)
    if url:
        context, links = {**context, UNSUBSCRIBE_URL: url}, links | {UNSUBSCRIBE_URL}
    parts = render(
        kind,
        form.templates,
        context,
        locale=reader.locale,
        time_zone=reader.time_zone,
        links=links,
        sanitizer=form.sanitizer,
        shared=shared,
    )
    known = kinds.find(kind)
    has_files = with_files and known and any(form.channel in each.channels for each in known.attachments)
    if known is None or not (has_files or form.has_letterhead):  # an SMS mostly
        return Worded(parts, url)
    context, links = {**shared, **context}, links | (shared.keys() - context.keys())
    files = files_of(known, message, context=context, links=links) if has_files else ()
    letterhead = letterhead_of(known, message, context=context, links=links) if form.has_letterhead else PLAIN
    return Worded(parts, url, files, letterhead)
