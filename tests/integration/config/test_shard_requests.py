"""Each request works in its own shard, and what one shard gave is worth nothing in another.

Both shards have the same rows with the same IDs, so whatever is taken for another's finds something.
"""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import Client
from pytest_django import Settings

from bookings import booking_links, check_in, code_links, undo_links
from bookings.access_codes import Asked, Purpose
from bookings.code_links import Way
from bookings.errors import InvalidCode
from bookings.models import Booking, Slot
from bookings.pages.guests import Arrival
from bookings.staff_tokens import make_staff_token
from bookings.tokens import give_token
from config.no_shard.base import DatabaseWrapper, NoShard
from config.rates import Rate, counter
from notifications import outbox
from notifications.channels.attempt_reference import Attempt, message_reference
from notifications.content import media_links, unsubscribe_links
from notifications.content.media_links import Wanted
from notifications.content.unsubscribe_links import Subscription
from notifications.kinds import Purpose as KindPurpose
from notifications.models import OutboxMessage
from notifications.operations.record_action import record
from notifications.shards import current, on_database
from tests.factories.bookings import CustomerFactory, SlotFactory, booking_of
from tests.factories.notifications import RecipientFactory
from tests.stage.two_shards import ADDRESS, DATABASES, NAMES, NORTH, SOUTH, browser, signed_in
from tests.webhooks import test_meta as meta
from tests.webhooks.twilio import ACCOUNT_SID, AUTH_TOKEN, FORM, STATUS, sid, signature, status_fields

pytestmark = [pytest.mark.django_db(databases=DATABASES), pytest.mark.usefixtures("two_shards")]


def with_ids_from(number: int) -> None:
    """Have the next rows of this shard begin at an ID that the other's begin at, too."""
    for table in ("auth_user", "bookings_slot", "bookings_order", "bookings_booking", "notifications_outboxmessage"):
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} ALTER COLUMN id RESTART WITH {number}")


@pytest.fixture
def bookings() -> dict[str, Booking]:
    """A customer of the same ID and name in each shard, with a booking of the same ID."""
    made = {}
    for name in NAMES:
        with on_database(name):
            with_ids_from(1000)
            made[name] = booking_of(CustomerFactory(username="ann"))
    assert len({(booking.pk, booking.user_id, booking.slot_id) for booking in made.values()}) == 1
    return made


def test_a_request_reads_and_writes_in_the_shard_of_its_host(client: Client) -> None:
    for name in NAMES:
        with on_database(name):
            SlotFactory(title=f"A tour in the {name}")
    for name in NAMES:
        shown = browser(name).get("/api/slots/").json()["results"]
        assert [slot["title"] for slot in shown] == [f"A tour in the {name}"]
    browser(SOUTH).post("/api/accounts/codes/", {"purpose": "signup", "address": "bo@example.com"}, FORM_JSON)
    assert {name: OutboxMessage.objects.using(name).count() for name in NAMES} == {NORTH: 0, SOUTH: 1}
    assert (current(), connections["default"].alias) == ("", "default")
    assert Slot.objects.count() == 0, "nothing reached the database that is no shard"


FORM_JSON = "application/json"


def test_an_address_of_no_shard_is_a_404_in_plain_words(client: Client) -> None:
    refused = browser("east").get("/api/slots/")
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_shard")
    page = browser("east", HTTP_ACCEPT="text/html", HTTP_ACCEPT_LANGUAGE="de").get("/")
    assert page.status_code == 404
    assert "Unter dieser Adresse lässt sich nichts buchen." in page.content.decode()
    assert not page.cookies
    assert Client(HTTP_HOST="north.elsewhere.org").get("/").status_code == 400, "a host that nobody allows"


def test_probes_ask_for_no_shard_and_for_one_that_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = browser("probe")
    nobody.cookies["sessionid"] = "x"
    assert nobody.get("/healthz").json() == {"status": "ok"}
    assert list(nobody.get("/readyz").json()["shards"]) == [NORTH], "the first will do"
    with connections[NORTH].cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'bookings'")
    ready = nobody.get("/readyz")
    assert (ready.status_code, list(ready.json()["shards"])) == (200, [NORTH, SOUTH])
    strict = nobody.get("/readyz?strict=1")
    assert (strict.status_code, strict.json()["shards"][SOUTH]["status"]) == (503, "ok")
    assert (browser(NORTH).get("/readyz").status_code, browser(SOUTH).get("/readyz").status_code) == (503, 200)


def test_a_login_of_one_shard_is_none_in_another(bookings: dict[str, Booking]) -> None:
    client = signed_in(NORTH, bookings[NORTH].user)
    kept = {name: morsel.value for name, morsel in client.cookies.items()}
    assert client.get("/accounts/profile/").status_code == 200
    there = browser(SOUTH)
    for name, value in kept.items():
        plain = name.removesuffix("-north")
        for tried in (name, plain, f"{plain}-south"):
            there.cookies[tried] = value
    assert there.get("/accounts/profile/").status_code == 302
    assert client.get("/accounts/profile/").status_code == 200, "and it is not ended by that"


def test_cookies_are_kept_by_names_of_their_shard() -> None:
    page = browser(NORTH).get("/accounts/login/")
    assert list(page.cookies) == ["csrftoken-north"]
    posted = browser(SOUTH).post("/language/", {"language": "de", "next": "/"})
    assert posted.cookies
    assert all(name.endswith("-south") for name in posted.cookies)
    (kept,) = [name for name, cookie in posted.cookies.items() if cookie.value == "de"]
    for shard, name, language in ((SOUTH, kept, "de"), (NORTH, kept, "en"), (NORTH, kept.removesuffix("-south"), "en")):
        client = browser(shard, HTTP_ACCEPT_LANGUAGE="en")
        client.cookies[name] = "de"
        assert f'<html lang="{language}">' in client.get("/accounts/login/").content.decode()


def test_tokens_of_one_shard_open_nothing_in_another(bookings: dict[str, Booking]) -> None:
    with on_database(NORTH):
        token = give_token(bookings[NORTH].user)
        boss = User.objects.create_superuser("boss")
        permit = "notifications.view_outboxmessage"
        staff_token = make_staff_token(boss, scope=[permit], hours=None, actor="test", reason="test")
    with on_database(SOUTH):
        User.objects.create_superuser("boss")
    for path, given in (("/api/me/", token), ("/api/staff/outbox/messages/", staff_token)):
        answers = {name: browser(name).get(path, HTTP_AUTHORIZATION=f"Token {given}").status_code for name in NAMES}
        assert answers == {NORTH: 200, SOUTH: 401}, path


def links_of(booking: Booking) -> dict[str, str]:
    """What messages of the shard at work would carry, by what it is for."""
    reminders = Subscription(1, "sms", KindPurpose.REMINDER)
    return {
        "booking": booking_links.link_for(booking.pk),
        "undo": undo_links.link_for(7),
        "code": outbox.public_link(code_links.VIEW, code_links.token_of(7, way=Way.SIGN_IN)),
        "check-in": check_in.link_of(booking),
        "unsubscribe": unsubscribe_links.link_for(reminders),
        "media": media_links.media_link(Wanted(1, 0), now=time.time()),
    }


READERS: dict[str, Callable[[str], object]] = {
    "booking": booking_links.booking_of,
    "undo": lambda token: undo_links.number_of(token, salt=undo_links.SALT),
    "code": code_links.read,
    "check-in": check_in._read,
    "unsubscribe": unsubscribe_links.read,
    "media": lambda token: media_links.read(token, now=time.time()),
}


@pytest.mark.parametrize("what", READERS)
def test_links_lead_to_the_shard_that_made_them_and_open_nothing_in_another(
    bookings: dict[str, Booking], what: str
) -> None:
    for name in NAMES:
        with on_database(name):
            link = links_of(bookings[name])[what]
            token = urlsplit(link).path.rstrip("/").rpartition("/")[2]
            assert link.startswith(ADDRESS.format(name))
            assert READERS[what](token) is not None
        other = SOUTH if name == NORTH else NORTH
        with on_database(other):
            try:
                found = READERS[what](token)
            except Exception:  # noqa: BLE001  (each has an error of its own)
                found = None
            assert found is None


def test_what_a_browser_or_program_keeps_between_two_steps_is_good_in_its_shard_alone() -> None:
    asked = Asked(Purpose.SIGN_IN, "ann@example.com", 7)
    with on_database(NORTH):
        step, arrival = asked.signed(), Arrival("Ann", ()).signed()
        assert Asked.of(step, purpose=Purpose.SIGN_IN) == asked
        assert Arrival.of(arrival) is not None
    with on_database(SOUTH):
        with pytest.raises(InvalidCode):
            Asked.of(step, purpose=Purpose.SIGN_IN)
        assert Arrival.of(arrival) is None


def test_an_idempotency_key_is_its_shards(bookings: dict[str, Booking], settings: Settings) -> None:
    answers = {}
    for name in NAMES:
        with on_database(name):
            token = give_token(bookings[name].user)
        answers[name] = browser(name).post(
            "/api/bookings/1000/cancel/",
            "{}",
            FORM_JSON,
            HTTP_AUTHORIZATION=f"Token {token}",
            HTTP_IDEMPOTENCY_KEY="once",
        )
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(NAMES, 200)
    assert {name: Booking.objects.using(name).get().status for name in NAMES} == dict.fromkeys(NAMES, "cancelled")


def message_in(shard: str, **fields: Any) -> OutboxMessage:
    """A message of the same ID in each shard, which its provider has accepted."""
    with on_database(shard):
        with_ids_from(500)
        words = {"kind": "booking.confirmed", "context": {}, "status": "sent", "claim_number": 1, "provider_id": sid()}
        message: OutboxMessage = OutboxMessage.objects.create(
            recipient=RecipientFactory(), **(words | fields), finished_at="2026-11-29T12:00:00Z"
        )
    assert message.pk == 500
    return message


def receipts() -> dict[str, str]:
    return {name: OutboxMessage.objects.using(name).get(pk=500).receipt for name in NAMES}


def test_a_callback_signed_for_one_shards_address_is_refused_at_another(settings: Settings) -> None:
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = ACCOUNT_SID, AUTH_TOKEN
    for name in NAMES:
        message_in(name, channel="sms")
    with on_database(NORTH):
        path = urlsplit(callback := f"{outbox.public_link('notifications:twilio-status')}?message=500&claim=1").path
    assert (callback, path) == (f"https://north.example.com{STATUS}?message=500&claim=1", STATUS)
    fields = status_fields("delivered")
    told = {"HTTP_X_TWILIO_SIGNATURE": signature("", fields, url=callback)}
    query = f"{STATUS}?message=500&claim=1"
    answers = {name: browser(name).post(query, urlencode(fields), FORM, **told).status_code for name in NAMES}
    assert answers == {NORTH: 204, SOUTH: 403}
    assert receipts() == {NORTH: "delivered", SOUTH: ""}


def test_a_report_is_recorded_in_the_shard_that_its_reference_names(settings: Settings) -> None:
    """Meta knows one address for an account, whichever shard has sent."""
    settings.WHATSAPP_APP_SECRET, settings.WHATSAPP_PHONE_NUMBER_ID = meta.SECRET, meta.NUMBER_ID
    for name in NAMES:
        message = message_in(name, channel="whatsapp")
    with on_database(NORTH):
        reference = Attempt(500, 1).reference
        assert message_reference(500) == "outbox-500-north"
    assert reference == "outbox-500-1-north"
    document = meta.told(statuses=[meta.status(message, biz_opaque_callback_data=reference)])
    body = json.dumps(document).encode()
    signed = {"HTTP_X_HUB_SIGNATURE_256": meta.signature(body, secret=meta.SECRET)}
    assert browser(SOUTH).post(meta.PATH, body, FORM_JSON, **signed).status_code == 200
    assert receipts() == {NORTH: "delivered", SOUTH: ""}
    document = meta.told(statuses=[meta.status(message, biz_opaque_callback_data="outbox-500-1-east")])
    body = json.dumps(document).encode()
    signed = {"HTTP_X_HUB_SIGNATURE_256": meta.signature(body, secret=meta.SECRET)}
    assert browser(SOUTH).post(meta.PATH, body, FORM_JSON, **signed).status_code == 200
    assert receipts()[SOUTH] == "", "a shard that is gone"


def test_each_shard_counts_its_own_requests() -> None:
    once = Rate(1, 3600)
    waits = []
    for name in (NORTH, NORTH, SOUTH):
        with on_database(name):
            waits.append(counter.seconds_to_wait("user 1", once) > 0)
    assert waits == [False, True, False]


def test_an_answer_that_is_streamed_is_made_in_its_shard() -> None:
    with on_database(NORTH):
        boss = User.objects.create_superuser("boss")
        record("replay", actor="boss", reason="Of the north.", subject="message:1")
    answer = signed_in(NORTH, boss).get("/admin/notifications/operatoraction/export/")
    assert answer.streaming
    assert current() == ""
    assert b"Of the north." in b"".join(answer.streaming_content)


def test_work_that_names_no_shard_reaches_nobodys_rows() -> None:
    with pytest.raises(NoShard, match="--database NAME"):
        DatabaseWrapper(dict(connections[NORTH].settings_dict), "default").ensure_connection()


def test_by_path_links_and_cookies_begin_with_the_shards_path(settings: Settings, bookings: dict[str, Booking]) -> None:
    settings.SHARD_OF = "config.shard_of.by_path"
    settings.OUTBOX_SHARD_URLS = {name: f"https://www.example.com/{name}" for name in NAMES}
    client = Client(HTTP_HOST="www.example.com")
    page = client.get("/north/accounts/login/")
    assert page.status_code == 200
    assert 'href="/north/' in page.content.decode()
    assert page.cookies["csrftoken-north"]["path"] == "/north/"
    assert client.get("/south").status_code == 200
    assert client.get("/northern/").status_code == client.get("/").status_code == 404
    assert client.get("/north/bookings/").headers["Location"].startswith("/north/accounts/login/")
    with on_database(NORTH):
        assert booking_links.link_for(1000).startswith("https://www.example.com/north/b/")
