"""A provider fetches a message's file at a signed link, which nobody guesses, extends, or finds in a log."""

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from config.log_redaction import discreet
from notifications.content.media_links import HOUR, InvalidLink, Wanted, media_link, read
from notifications.models import OutboxMessage
from notifications.operations.erase import erase
from notifications.outbox import Attachment, Facts, Kind
from tests.factories.notifications import RecipientFactory, publish_one, registered

pytestmark = pytest.mark.django_db
NOW = 1_800_000_000.0


def label_of(message: Facts) -> bytes:
    return f"%PDF {message.context['name']}".encode()


LABEL = Attachment("Grüße.pdf", "application/pdf", build=label_of, channels=("whatsapp",))
PARCEL = Kind("test.greeting", channels=("whatsapp",), attachments=(LABEL,))


@pytest.fixture
def message() -> Iterator[OutboxMessage]:
    with registered(PARCEL):
        yield publish_one(RecipientFactory(), kind=PARCEL)


def token_of(wanted: Wanted, *, now: float) -> str:
    return media_link(wanted, now=now).rstrip("/").rpartition("/")[2]


def test_the_link_leads_to_the_file(message: OutboxMessage, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: NOW)
    path = f"/webhooks/media/{token_of(Wanted(message.pk, 0), now=NOW)}/"
    answer = client.get(path)
    assert (answer.status_code, answer.content) == (200, b"%PDF Ann")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]
    assert client.get(f"/webhooks/media/{token_of(Wanted(message.pk, 1), now=NOW)}/").status_code == 404
    assert discreet(f"GET {path} 200") == "GET /webhooks/media/… 200"
    erase(message.recipient, actor="test")
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("changed", ["", "x", "WzEsMCwxXQ:abc", "a" * 3000])
def test_what_nobody_signed_is_not_there(client: Client, changed: str) -> None:
    assert client.get(f"/webhooks/media/{changed}x/").status_code == 404


def test_it_ends_after_its_hours_and_not_before(settings: Settings) -> None:
    settings.OUTBOX_MEDIA_HOURS = 2
    token = token_of(Wanted(7, 0), now=NOW)
    assert token == token_of(Wanted(7, 0), now=NOW + 1)
    assert read(token, now=NOW + 2 * HOUR) == (7, 0)
    with pytest.raises(InvalidLink):
        read(token, now=NOW + 3 * HOUR)
