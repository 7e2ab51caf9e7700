"""Files, copies and headers of an email: what reaches the server, byte by byte, and what cannot be put into it."""

from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from django.core import mail

from notifications.channels import mime
from notifications.channels.base import Channel, Outgoing
from notifications.channels.mime import Sender
from notifications.lifecycle import Accepted, Permanent
from notifications.policy.attachment import File
from notifications.policy.letterhead import Letterhead
from notifications.sandbox.client import SandboxClient
from tests.channels.conftest import ADDRESS, an_email, soon

CALENDAR = File("booking-7.ics", "text/calendar; method=REQUEST", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
RECEIPT = File("Quittung Ünï 収据.pdf", "application/pdf", bytes(range(256)) * 9)
LOGO = File("logo.png", "image/png", b"\x89PNG\r\n", cid="logo")
FILES = (LOGO, CALENDAR, RECEIPT)


def _written(**changes: Any) -> bytes:
    words = {"subject": "Hello", "text": "Grüße", "html": '<img src="cid:logo">', "files": FILES}
    return mime.as_bytes({"To": ADDRESS}, sender=Sender.of("a@example.org"), **(words | changes))


def _parsed(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=default)


def test_python_reads_each_file_as_it_was() -> None:
    message = _parsed(_written())
    assert not [part.defects for part in message.walk() if part.defects]
    assert message.get_content_type() == "multipart/mixed"
    related, calendar, receipt = message.iter_parts()
    assert [part.get_content_type() for part in related.iter_parts()] == ["multipart/alternative", "image/png"]
    assert list(related.iter_parts())[1]["Content-ID"] == "<logo>"
    assert calendar.get_params()[1:] == [("method", "REQUEST"), ("charset", "utf-8")]
    assert (calendar.get_filename(), calendar.get_payload(decode=True)) == (CALENDAR.name, CALENDAR.content)
    assert (receipt.get_filename(), receipt.get_payload(decode=True)) == (RECEIPT.name, RECEIPT.content)
    assert receipt.get_content_disposition() == "attachment"
    assert message.get_body(("plain",)).get_content() == "Grüße"


def test_the_same_email_is_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mime, "formatdate", lambda: "Sun, 29 Nov 2026 10:00:00 -0000")
    assert _written() == _written()


def test_words_that_hold_a_boundary_do_not_end_their_part() -> None:
    boundary = _parsed(_written(files=())).get_boundary()
    message = _parsed(_written(text=f"--{boundary}--\r\nevil", files=()))
    assert "evil" in message.get_body(("plain",)).get_content()


@pytest.mark.parametrize("name", ["a\r\nBcc: all@example.com", "a\nb"])
def test_a_file_name_cannot_begin_a_header(name: str) -> None:
    message = _parsed(_written(files=(File(name, "application/pdf", b""),)))
    assert message["Bcc"] is None
    assert all(part["Bcc"] is None for part in message.walk())


def test_copies_replies_and_headers_reach_the_server(email: Channel, providers: SandboxClient) -> None:
    above = Letterhead("Kayaks <k@example.org>", "desk@example.org", ("office@example.org",), {"X-Parcel": "7"})
    assert isinstance(email.send(an_email()._replace(letterhead=above, files=FILES), soon()), Accepted)

    [received] = providers.messages()
    assert received.to == f"{ADDRESS}, office@example.org"
    assert received.sender == "k@example.org"
    expected = {"From": "Kayaks <k@example.org>", "Reply-To": "desk@example.org", "Cc": "office@example.org"}
    assert expected.items() <= received.headers.items()
    assert received.headers["X-Parcel"] == "7"
    assert [file["name"] for file in received.files] == [file.name for file in FILES]


def test_a_refused_copy_leaves_the_message_and_a_refused_recipient_the_copy(
    email: Channel, providers: SandboxClient
) -> None:
    copied = an_email()._replace(letterhead=Letterhead(cc=("office@example.org",)))
    providers.add_rule(channel="email", to="office@example.org", smtp=550, at="rcpt", times=1)
    assert isinstance(email.send(copied, soon()), Accepted)
    providers.add_rule(channel="email", to=ADDRESS, smtp=550, at="rcpt", times=1)
    assert isinstance(email.send(copied, soon()), Permanent)
    accepted = [received.to for received in providers.messages() if received.accepted]
    assert accepted == [ADDRESS]
    assert isinstance(email.send(copied, soon()), Accepted), "and the connection goes on"


def test_another_backend_gets_them_as_django_has_them(channel: Callable[..., Channel]) -> None:
    message: Outgoing = an_email()._replace(files=FILES, letterhead=Letterhead(reply_to="desk@example.org"))
    assert isinstance(channel("email").rehearse(message), Accepted)
    [sent] = mail.outbox
    written = _parsed(sent.message().as_bytes())
    assert sent.reply_to == ["desk@example.org"]
    files = {part.get_filename(): part.get_payload(decode=True) for part in written.walk() if part.get_filename()}
    assert files == {file.name: file.content for file in FILES}
    (calendar,) = (part for part in written.walk() if part.get_filename() == CALENDAR.name)
    assert dict(calendar.get_params())["method"] == "REQUEST"
