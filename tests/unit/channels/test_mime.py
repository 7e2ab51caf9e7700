"""What is written as bytes reads as it was meant, in any language, and nobody can add a header or a part to it."""

import email
import email.policy
from email.message import EmailMessage
from typing import Any

import pytest

from notifications.channels.mime import Sender, as_bytes

SENDER = Sender.of("Bookings <bookings@example.org>")
LONG = "Your booking of the morning course for two people, with breakfast and towels, is confirmed"


def written(headers: dict[str, str] | None = None, **words: str) -> bytes:
    given = {"subject": "Hello", "text": "Hello", "html": "<p>Hello</p>"} | words
    return as_bytes({"To": "asha@example.com"} | (headers or {}), sender=SENDER, **given)


def read(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)  # type: ignore[return-value]


def texts(content: bytes) -> list[tuple[str, str]]:
    parts: Any = read(content).iter_parts()
    return [(part.get_content_type(), part.get_content().replace("\r\n", "\n")) for part in parts]


@pytest.mark.parametrize("subject", ["Hello", "", LONG, LONG * 4, "Grüße 🎉", "Grüße 🎉 " * 30, "a" * 200])
def test_a_subject_arrives_as_it_is(subject: str) -> None:
    assert read(written(subject=subject))["Subject"].strip() == subject.strip()


@pytest.mark.parametrize(
    "words", ["Hello", "Grüße 🎉\nund mehr", "", ".\n..\nFrom me\n", "ü" * 2_000, "a" * 999, "a = b\n" + "c" * 1_500]
)
def test_both_parts_arrive_as_they_are(words: str) -> None:
    content = written(text=words, html=words)

    arrived = [(kind, text.rstrip("\n")) for kind, text in texts(content)]
    assert arrived == [("text/plain", words.rstrip("\n")), ("text/html", words.rstrip("\n"))]
    assert max(map(len, content.split(b"\r\n"))) <= 998


def test_every_line_ends_in_the_same_way() -> None:
    content = written(text="one\ntwo\rthree\r\nfour", html="<p>\n\r</p>")

    assert b"one\r\ntwo\r\nthree\r\nfour\r\n" in content
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_nobody_adds_a_header(end: str) -> None:
    for changes in ({"subject": f"Hello{end}Bcc: eve@example.com"}, {"headers": {"Message-ID": f"<a>{end}Bcc: e@b.c"}}):
        with pytest.raises(ValueError, match="more than one line"):
            written(**changes)  # type: ignore[arg-type]


def test_nobody_adds_a_part() -> None:
    earlier = read(written()).get_boundary()
    content = written(text=f"--{earlier}\r\nContent-Type: text/html\r\n\r\nEvil")

    assert [kind for kind, _ in texts(content)] == ["text/plain", "text/html"]


def test_long_headers_stay_on_their_line() -> None:
    link = f"<https://example.org/unsubscribe/{'a' * 200}>"

    assert f"\r\nList-Unsubscribe: {link}\r\n".encode() in written({"List-Unsubscribe": link})


@pytest.mark.parametrize(
    ("text", "header", "address"),
    [
        ("bookings@example.org", b"From: bookings@example.org", "bookings@example.org"),
        ('"Parcels, Inc." <a@example.org>', b'From: "Parcels, Inc." <a@example.org>', "a@example.org"),
        ("Grüße <a@bücher.example>", b"From: =?utf-8?", "a@xn--bcher-kva.example"),
    ],
)
def test_a_sender_is_written_once_for_all_emails(text: str, header: bytes, address: str) -> None:
    sender = Sender.of(text)

    assert sender is Sender.of(text)
    assert sender.header.startswith(header)
    assert sender.address == address
