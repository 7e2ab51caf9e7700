"""Writes an email as bytes: the text with its HTML alternative, its files, and the headers that such a message needs.

Python's email package takes half a millisecond of processor for this, since it parses each header and walks a tree of
parts. The form is the same (RFC 5322, 2045, 2046): lines end with CRLF, and none is longer than a server must take.
"""

import base64
import quopri
import re
from collections.abc import Mapping, Sequence
from email.header import Header
from email.utils import encode_rfc2231, formatdate, parseaddr
from functools import cache
from hashlib import blake2b
from typing import NamedTuple, Self

from django.core.mail import EmailMessage
from django.utils.encoding import punycode

from notifications.policy.attachment import File

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


def as_bytes(
    headers: Mapping[str, str], *, sender: Sender, subject: str, text: str, html: str, files: Sequence[File] = ()
) -> bytes:
    """The whole email. `headers` are written as they are, in UTF-8. Raises ValueError for one of more than one line.

    The same words and files make the same bytes, but for the date.
    """
    lines = [f"{name}: {_one_line(value)}\r\n" for name, value in headers.items()]
    head = (
        f"\r\nSubject: {_encoded(_one_line(subject))}\r\n{''.join(lines)}Date: {formatdate()}\r\nMIME-Version: 1.0\r\n"
    )
    body = _multipart("alternative", [_part(text, "plain"), _part(html, "html")])
    if files:
        body = _with_files(body, files)
    return b"".join((sender.header, head.encode(), body))


def _with_files(words: bytes, files: Sequence[File]) -> bytes:
    """Images that the HTML shows stand beside it (RFC 2387); the other files follow."""
    inline, others = [_file(each) for each in files if each.cid], [_file(each) for each in files if not each.cid]
    body = _multipart("related", [words, *inline]) if inline else words
    return _multipart("mixed", [body, *others]) if others else body


def _multipart(subtype: str, parts: Sequence[bytes]) -> bytes:
    """`parts`, each with its headers, as one. The boundary is a digest of all of them, so none of them can hold it."""
    boundary = b"=_" + blake2b(b"".join(parts), digest_size=12).hexdigest().encode()
    start = b"\r\n--%s\r\n" % boundary
    head = b'Content-Type: multipart/%s; boundary="%s"\r\n' % (subtype.encode(), boundary)
    return b"".join((head, start, start.join(parts), b"\r\n--%s--\r\n" % boundary))


def _one_line(value: str) -> str:
    if "\n" in value or "\r" in value:
        raise ValueError("A header has more than one line.")
    return value


def _encoded(subject: str) -> str:
    """RFC 2047; folded where it is long."""
    if not subject.isascii():
        return Header(subject, "utf-8", header_name="Subject").encode(linesep="\r\n")
    return subject if len(subject) <= MOST_OF_SUBJECT else Header(subject, header_name="Subject").encode(linesep="\r\n")


def _part(words: str, subtype: str) -> bytes:
    content = _LINE_END.sub("\r\n", words).encode(errors="replace")
    encoding = "7bit" if content.isascii() else "8bit"
    if len(content) > MOST_BYTES_OF_LINE and max(map(len, content.split(b"\r\n"))) > MOST_BYTES_OF_LINE:
        encoding, content = "quoted-printable", _quoted_printable(content)
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode() + content


def _file(file: File) -> bytes:
    is_text = file.content_type.startswith("text/") and "charset=" not in file.content_type
    disposition = "inline" if file.cid else "attachment"
    lines = [
        f"Content-Type: {file.content_type}" + ("; charset=utf-8" if is_text else ""),
        "Content-Transfer-Encoding: base64",
        f"Content-Disposition: {disposition};\r\n {_file_name(file.name)}",
        *([f"Content-ID: <{file.cid}>"] if file.cid else []),
    ]
    content = base64.encodebytes(file.content).replace(b"\n", b"\r\n")
    return "\r\n".join(map(_no_break, lines)).encode() + b"\r\n\r\n" + content


def _no_break(line: str) -> str:
    """`line`, which is folded at most as written here."""
    _one_line(line.replace(";\r\n ", ""))
    return line


def _file_name(name: str) -> str:
    """RFC 2183, and RFC 2231 for what is not ASCII."""
    if name.isascii() and name.isprintable():
        return 'filename="{}"'.format(name.replace("\\", "_").replace('"', "_"))
    return f"filename*={encode_rfc2231(name, 'utf-8')}"


def _quoted_printable(content: bytes) -> bytes:
    return quopri.encodestring(content.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
