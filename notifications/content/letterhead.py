"""Renders what stands above an email: addresses for replies and copies, and further headers.

Each template gives one address, so that a text which somebody typed adds no further one. A line break, or what is no
address, is an error: the message fails, and nothing of it is sent.
"""

from collections.abc import Collection, Mapping
from email.header import Header
from typing import Any

from notifications.content import letter_settings
from notifications.content.rendering import RenderingError, render_line
from notifications.content.sanitize import sanitize
from notifications.kinds import Kind
from notifications.policy.attachment import Facts
from notifications.policy.email_addresses import Unusable, mailbox
from notifications.policy.letterhead import Letterhead

MOST_OF_LINE = 900  # bytes, below RFC 5322's 998 with the header's name


def letterhead_of(kind: Kind, message: Facts, *, context: Mapping[str, Any], links: Collection[str]) -> Letterhead:
    """The letterhead of `message`, of `kind`. Raises RenderingError."""
    sender = letter_settings.sender_of(kind.name) or kind.sender
    reply_to = letter_settings.reply_to_of(kind.name) or kind.reply_to
    if not (reply_to or kind.cc or kind.headers):
        return Letterhead(sender)
    localization = {"locale": message.locale, "time_zone": message.time_zone}
    typed = sanitize(context, links=links) if kind.headers else {}
    headers = {name: _encoded(name, render_line(text, typed, **localization)) for name, text in kind.headers.items()}
    copies = tuple(filter(None, (_address("cc", render_line(each, context, **localization)) for each in kind.cc)))
    return Letterhead(sender, _address("reply_to", render_line(reply_to, context, **localization)), copies, headers)


def _address(field: str, text: str) -> str:
    """`text`, one address or none."""
    if not text:
        return ""
    try:
        found = mailbox(text)
    except Unusable as error:
        raise RenderingError(f"{field}: {error}") from error
    if found.needs_utf8 or '"' in found.address:
        raise RenderingError(f"{field}: The address must be in ASCII, and without quotation marks.")
    return found.address


def _encoded(name: str, value: str) -> str:
    """`value` on one line of ASCII (RFC 2047)."""
    if not value.isprintable() or len(value.encode()) > MOST_OF_LINE:
        raise RenderingError(f"The header {name} must be one line of at most {MOST_OF_LINE} bytes.")
    return value if value.isascii() else Header(value, "utf-8", maxlinelen=MOST_OF_LINE * 2).encode()
