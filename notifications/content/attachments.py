"""Builds a message's files when it is sent: from the message alone, so that each attempt carries the same bytes.

What is too large is refused when the message is published. Where that could not be known then, it fails when it is
sent, with the reason, and no provider is asked.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any

from django.utils.module_loading import import_string

from notifications.content import letter_settings
from notifications.content.localization import language_of, localized
from notifications.content.rendering import RenderingError, render, render_line
from notifications.content.sanitize import sanitize
from notifications.content.shared_context import shared_context
from notifications.errors import AttachmentsTooLarge, InvalidMessage
from notifications.kinds import Kind
from notifications.policy.attachment import Attachment, Facts, File, file_name


def files_of(
    kind: Kind, message: Facts, *, context: Mapping[str, Any], links: Collection[str] = ()
) -> tuple[File, ...]:
    """The files of `message`, of `kind`, on its channel. `context` is what templates get. Raises RenderingError."""
    with localized(language_of(message.locale), message.time_zone):
        files = tuple(_files(kind, message, context, links))
    most = letter_settings.attachments_max_bytes()
    if (size := sum(len(file.content) for file in files)) > most:
        raise RenderingError(str(AttachmentsTooLarge(kind.name, message.channel, size=size, most=most)))
    return files


def check_attachments(kind: Kind, context: Mapping[str, Any], *, locale: str, time_zone: str) -> None:
    """When a message is published: its files are not too large. Raises AttachmentsTooLarge, InvalidMessage."""
    most = letter_settings.attachments_max_bytes()
    for channel in {channel for attachment in kind.attachments for channel in attachment.channels}:
        message = Facts(kind.name, channel, context, locale, time_zone)
        own = [attachment for attachment in kind.attachments if channel in attachment.channels]
        try:
            with localized(language_of(locale), time_zone):
                size = sum(each.most_bytes or _size(each, kind, message) for each in own)
        except RenderingError as error:
            raise InvalidMessage(f"An attachment cannot be built: {error}") from error
        if size > most:
            raise AttachmentsTooLarge(kind.name, channel, size=size, most=most)


def _files(kind: Kind, message: Facts, context: Mapping[str, Any], links: Collection[str]) -> Iterator[File]:
    for attachment in kind.attachments:
        if message.channel not in attachment.channels:
            continue
        content = _content(attachment, message, context, links)
        if content is None:
            continue
        if 0 < attachment.most_bytes < len(content):
            raise RenderingError(
                f"The attachment {attachment.name!r} has {len(content):,} bytes; most_bytes={attachment.most_bytes:,}."
            )
        typed = sanitize(context, links=links)  # only where there is a file
        name = file_name(render_line(attachment.name, typed, locale=message.locale, time_zone=message.time_zone))
        yield File(name, attachment.content_type, content, attachment.cid)


def _size(attachment: Attachment, kind: Kind, message: Facts) -> int:
    shared = shared_context(message)
    links = kind.links | (shared.keys() - message.context.keys())
    content = _content(attachment, message, {**shared, **message.context}, links)
    return len(content or b"")


def _content(
    attachment: Attachment, message: Facts, context: Mapping[str, Any], links: Collection[str]
) -> bytes | None:
    if attachment.template:
        templates = {"content": attachment.template}
        parts = render(
            message.kind, templates, context, locale=message.locale, time_zone=message.time_zone, links=links
        )
        return parts["content"].encode()
    try:
        build: Any = _imported(attachment.build) if isinstance(attachment.build, str) else attachment.build
        built: object = build(message)
    except Exception as error:  # a project's function may raise anything
        raise RenderingError(f"{attachment.name}: {type(error).__name__}: {error}") from error
    if built is not None and not isinstance(built, bytes | str):
        raise RenderingError(f"{attachment.name}: build must answer bytes, a text or None, not {type(built).__name__}")
    return built.encode() if isinstance(built, str) else built


@lru_cache
def _imported(path: str) -> Any:
    return import_string(path)
