"""Parses received emails: decoded parts and headers."""

import email
import re
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import Message
from typing import Any

_OUTBOX_ID = re.compile(r"<outbox-(\d+)(?:-\w+)?@")


def text_of(content: bytes) -> str:
    return _part(email.message_from_bytes(content), "text/plain")


def read_email(content: bytes) -> dict[str, Any]:
    """The parts and headers, decoded; `outbox_id` is the number in a Message-ID that the outbox made."""
    message = email.message_from_bytes(content)
    message_id = str(message.get("Message-ID", "")).strip()
    outbox_id = _OUTBOX_ID.match(message_id)
    text = _part(message, "text/plain")
    return {
        "body": text,
        "text": text,
        "html": _part(message, "text/html"),
        "subject": _header(message.get("Subject", "")),
        "message_id": message_id,
        "outbox_id": int(outbox_id[1]) if outbox_id else None,
        "headers": {name: _header(value) for name, value in message.items()},
        "files": [
            {"name": part.get_filename(), "type": part.get_content_type(), "bytes": len(content)}
            for part, content in _files(message)
        ],
    }


def file_of(content: bytes, *, name: str = "", cid: str = "") -> tuple[str, bytes] | None:
    """The type and the content of the email's attachment called `name`, or the image `cid`; None if it has none."""
    for part, found in _files(email.message_from_bytes(content)):
        own = str(part.get("Content-ID", "")).strip().strip("<>")
        if own == cid if cid else part.get_filename() == name:
            return part.get_content_type(), found
    return None


def _files(message: Message) -> Iterator[tuple[Message, bytes]]:
    for part in message.walk():
        content = part.get_payload(decode=True) if part.get_filename() else None
        if isinstance(content, bytes):
            yield part, content


def _header(value: object) -> str:
    try:
        return str(make_header(decode_header(str(value))))
    except (ValueError, LookupError):  # another client's mistake: shown as it came
        return str(value)


def _part(message: Message, content_type: str) -> str:
    for part in message.walk():
        if part.get_content_type() == content_type:
            words = part.get_payload(decode=True)
            return _decoded(words, part.get_content_charset("utf-8")) if isinstance(words, bytes) else ""
    return ""


def _decoded(words: bytes, charset: str) -> str:
    try:
        text = words.decode(charset, errors="replace")
    except LookupError:
        text = words.decode(errors="replace")
    return text.replace("\r\n", "\n")
