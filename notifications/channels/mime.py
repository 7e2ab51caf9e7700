"""Writes an email as bytes: the text with its HTML alternative, and the headers that such a message needs.

Python's email package takes half a millisecond of processor for this, since it parses each header and walks a tree of
parts. The form is the same (RFC 5322, 2045, 2046): lines end with CRLF, and none is longer than a server must take.
"""

import quopri
import re
import secrets
from collections.abc import Mapping
from email.header import Header
from email.utils import formatdate, parseaddr
from functools import cache
from typing import NamedTuple, Self

from django.core.mail import EmailMessage
from django.utils.encoding import punycode

MOST_BYTES_OF_LINE = 998  # RFC 5322, 2.1.1
MOST_OF_SUBJECT = 78 - len("Subject: ")  # RFC 5322, 2.1.1, as one line
HEADER_FROM = re.compile(rb"^From: (?:[^\r\n]|\r\n[ \t])+", re.MULTILINE)
_LINE_END = re.compile(r"\r\n|\r|\n")


class Sender(NamedTuple):
    """Whose emails they are: the header From as it is sent, and the address on the envelope."""

    header: bytes
    address: str

    @classmethod
    @cache
    def of(cls, text: str) -> Self:
        """The sender that `text` names, with or without a name before the address. Django writes the header."""
        message = EmailMessage(from_email=text, to=["somebody@example.com"]).message()
        (header,) = HEADER_FROM.findall(message.as_bytes().replace(b"\n", b"\r\n"))
        local, _, domain = parseaddr(text)[1].rpartition("@")
        return cls(header, f"{local}@{punycode(domain)}")


def as_bytes(headers: Mapping[str, str], *, sender: Sender, subject: str, text: str, html: str) -> bytes:
    """The whole email. `headers` are written as they are, in UTF-8. Raises ValueError for one of more than one line."""
    boundary = f"=_{secrets.token_hex(12)}"  # a new one each time: nobody can have put it into the words
    lines = [f"{name}: {_one_line(value)}\r\n" for name, value in headers.items()]
    head = (
        f"\r\nSubject: {_encoded(_one_line(subject))}\r\n{''.join(lines)}Date: {formatdate()}\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
    )
    parts = _part(text, "plain", boundary), _part(html, "html", boundary)
    return b"".join((sender.header, head.encode(), *parts, f"--{boundary}--\r\n".encode()))


def _one_line(value: str) -> str:
    if "\n" in value or "\r" in value:
        raise ValueError("A header has more than one line.")
    return value


def _encoded(subject: str) -> str:
    """RFC 2047; folded where it is long."""
    if not subject.isascii():
        return Header(subject, "utf-8", header_name="Subject").encode(linesep="\r\n")
    return subject if len(subject) <= MOST_OF_SUBJECT else Header(subject, header_name="Subject").encode(linesep="\r\n")


def _part(words: str, subtype: str, boundary: str) -> bytes:
    content = _LINE_END.sub("\r\n", words).encode(errors="replace")
    encoding = "7bit" if content.isascii() else "8bit"
    if len(content) > MOST_BYTES_OF_LINE and max(map(len, content.split(b"\r\n"))) > MOST_BYTES_OF_LINE:
        encoding, content = "quoted-printable", _quoted_printable(content)
    head = f'--{boundary}\r\nContent-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}'
    return b"%s\r\n\r\n%s\r\n" % (head.encode(), content)


def _quoted_printable(content: bytes) -> bytes:
    return quopri.encodestring(content.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
