"""Files of a kind: built from the message alone when it is sent, and measured when it is published."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.db import transaction
from pytest_django import Settings

from notifications import outbox
from notifications.lifecycle import Status
from notifications.models import OutboxMessage, Recipient
from notifications.outbox import Attachment, AttachmentsTooLarge, Facts, InvalidMessage, Kind
from notifications.testing import drain
from tests.factories.notifications import RecipientFactory, registered

pytestmark = pytest.mark.django_db


def label_of(message: Facts) -> bytes | None:
    size = message.context.get("size", 3)
    return None if size is None else b"x" * size


LABEL = Attachment("label-{{ name }}.pdf", "application/pdf", build=label_of)
NOTE = Attachment("note.txt", "text/plain", template="note.txt")
PARCEL = Kind("test.parcel", channels=("email",), attachments=(LABEL, NOTE))


@pytest.fixture
def recipient() -> Recipient:
    return RecipientFactory(locale="de")


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    with registered(PARCEL):
        yield


def publish(recipient: Recipient, kind: Kind = PARCEL, **context: Any) -> None:
    with registered(kind), transaction.atomic():
        outbox.publish(kind.name, recipient=recipient, context={"name": "Ann", **context})


def test_they_are_sent_in_the_recipients_language(recipient: Recipient) -> None:
    publish(recipient, name="../Ann")
    (sent,) = drain()
    assert [file.name for file in sent.files] == ["Ann.pdf", "note.txt"]
    assert sent.file("note.txt").content.decode() == "Hinweis für ../Ann"
    assert [attachment.get_filename() for attachment in mail.outbox[0].attachments] == ["Ann.pdf", "note.txt"]
    with pytest.raises(AssertionError, match=r"carries no 'b.pdf', but 'Ann.pdf', 'note.txt'"):
        sent.file("b.pdf")


def test_a_file_that_is_none_this_time_is_left_out(recipient: Recipient) -> None:
    publish(recipient, size=None)
    (sent,) = drain()
    assert [file.name for file in sent.files] == ["note.txt"]


def test_too_large_is_refused_at_publish_and_nothing_is_written(recipient: Recipient, settings: Settings) -> None:
    settings.OUTBOX_ATTACHMENTS_MAX_BYTES = 1000
    publish(recipient, size=900)
    with pytest.raises(AttachmentsTooLarge, match=r"'test.parcel' have 1,\d+ bytes by email, .* at most 1,000"):
        publish(recipient, size=1000)
    with pytest.raises(AttachmentsTooLarge), transaction.atomic():
        outbox.publish_many(PARCEL.name, [recipient], context={"name": "Ann", "size": 1000})
    assert OutboxMessage.objects.count() == 1


def test_what_it_promises_to_be_is_added_up_and_held_against_it(recipient: Recipient, settings: Settings) -> None:
    promised = Attachment("a.pdf", "application/pdf", build=label_of, most_bytes=10)
    kind = Kind("test.parcel", channels=("email",), attachments=(promised,))
    with registered(kind):
        publish(recipient, kind, size=11)
        assert not drain()
    (failed,) = OutboxMessage.objects.all()
    assert (failed.status, failed.error_code) == (Status.FAILED, "rendering_failed")
    assert "has 11 bytes; most_bytes=10" in failed.error_detail
    settings.OUTBOX_ATTACHMENTS_MAX_BYTES = 9
    with pytest.raises(AttachmentsTooLarge):
        publish(recipient, kind)


def test_one_that_cannot_be_built_is_refused_at_publish(recipient: Recipient) -> None:
    with pytest.raises(InvalidMessage, match=r"An attachment cannot be built: label-.*TypeError"):
        publish(recipient, size="large")


LETTER = {
    "reply_to": "desk+{{ name }}@example.com",
    "cc": ("{{ boss }}",),
    "headers": {"X-Name": "{{ name }} ✓"},
    "sender": "Parcels <p@example.com>",
}


def test_the_letterhead_is_rendered_and_settings_count_before_the_kind(
    recipient: Recipient, settings: Settings
) -> None:
    settings.OUTBOX_SENDER_OF_KIND = {"*": "all@example.com", "test.*": "Tests <t@example.com>"}
    kind = Kind("test.parcel", channels=("email",), **LETTER)
    with registered(kind):
        publish(recipient, kind, boss="boss@example.com")
        publish(recipient, kind, boss="")
        first, second = drain()
    assert first.letterhead[:3] == ("Tests <t@example.com>", "desk+Ann@example.com", ("boss@example.com",))
    assert first.letterhead.headers["X-Name"].isascii()
    assert second.letterhead.cc == ()


@pytest.mark.parametrize("boss", ["a@example.com, b@example.com", "a@example.com\r\nBcc: b@example.com", "ann <a@b.c>"])
def test_what_somebody_typed_adds_no_address(recipient: Recipient, boss: str) -> None:
    kind = Kind("test.parcel", channels=("email",), **LETTER)
    with registered(kind):
        publish(recipient, kind, boss=boss)
        assert not drain()
    assert "cc: " in OutboxMessage.objects.get().error_detail
