"""The staff API: what the admin shows and does, for programs; with the same permissions, and on record."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from rest_framework.test import APIClient

from notifications.lifecycle import Permanent
from notifications.models import BulkReplay, ChannelState, OperatorAction, OutboxMessage, Usage
from notifications.operations import bulk_replay, pause_channel
from tests.factories.bookings import client_of
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)

MESSAGES, REPLAYS, CHANNELS = (f"/api/staff/outbox/{name}/" for name in ("messages", "replays", "channels"))
EVERYTHING = (
    "view_outboxmessage",
    "replay_outboxmessage",
    "cancel_outboxmessage",
    "repeat_outboxmessage",
    "change_recipient_address",
    "view_channelstate",
    "pause_channel",
)
WHY = {"reason": "the carrier is back"}


def staff(*permissions: str) -> APIClient:
    """A member of staff with these permissions."""
    user = User.objects.create_user(f"staff{User.objects.count()}", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return client_of(user)


@pytest.fixture
def everything() -> APIClient:
    return staff(*EVERYTHING)


@pytest.fixture
def failed() -> list[OutboxMessage]:
    """Three dead letters of three people: two with one code, the third with another."""
    codes = iter(["twilio_30008", "twilio_30008", "twilio_21211"])
    messages = [publish_one(RecipientFactory(), reference=f"booking:{number}") for number in range(3)]
    drain(RecordingChannel(answer=lambda outgoing: Permanent(next(codes), "No.")), concurrency=1)
    return messages


def ids(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [message["id"] for message in answer.json()["results"]]


def code(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def test_messages_are_found_by_what_support_has_in_hand(everything: APIClient, failed: list[OutboxMessage]) -> None:
    assert ids(everything.get(MESSAGES)) == [message.pk for message in reversed(failed)]
    recipient = failed[1].recipient
    for search in (str(failed[1].pk), "booking:1", recipient.phone, recipient.email.upper()):
        assert ids(everything.get(MESSAGES, {"search": search})) == [failed[1].pk], search
    assert ids(everything.get(MESSAGES, {"status": "failed", "error_code": "twilio_21211"})) == [failed[2].pk]
    assert ids(everything.get(MESSAGES, {"status": "sent"})) == []
    assert ids(everything.get(MESSAGES, {"before": failed[1].pk})) == [failed[0].pk]
    assert code(everything.get(MESSAGES, {"status": "lost"})) == (400, "invalid_input")


def test_a_message_tells_its_life_and_what_it_waits_for(everything: APIClient, failed: list[OutboxMessage]) -> None:
    younger = publish_one(failed[0].recipient)
    page = everything.get(f"{MESSAGES}{failed[0].pk}/").json()
    assert page["message"]["error_code"] == "twilio_30008"
    assert failed[0].recipient.phone not in str(page), "masked"
    assert [event["what"] for event in page["timeline"]] == ["Written", "Attempt: refused"]
    assert page["words"] == {"parts": {"text": "Hello Ann"}, "problem": ""}
    assert page["waits"] == []
    replayed = everything.post(f"{MESSAGES}{failed[0].pk}/replay/", WHY).json()
    assert [wait["code"] for wait in replayed["waits"]] == ["behind", "no_relay"]
    assert replayed["waits"][0]["message"] == younger.pk
    waits = everything.get(f"{MESSAGES}{younger.pk}/").json()["waits"]
    assert [wait["code"] for wait in waits] == ["due", "no_relay"], "what was replayed waits behind the head"
    assert everything.get(f"{MESSAGES}999999999/").status_code == 404


def test_a_failed_message_is_replayed_once_and_on_record(everything: APIClient, failed: list[OutboxMessage]) -> None:
    answer = everything.post(f"{MESSAGES}{failed[0].pk}/replay/", WHY)
    assert answer.json()["message"]["status"] == "pending"
    assert code(everything.post(f"{MESSAGES}{failed[0].pk}/replay/", WHY)) == (409, "not_failed")
    assert code(everything.post(f"{MESSAGES}{failed[1].pk}/replay/", {})) == (400, "invalid_input")
    record = OperatorAction.objects.get()
    assert (record.action, record.message_id, record.reason) == ("replay", failed[0].pk, WHY["reason"])
    assert record.actor.startswith("staff")


def test_only_what_waits_is_cancelled(everything: APIClient, failed: list[OutboxMessage]) -> None:
    waiting = publish_one(RecipientFactory())
    answer = everything.post(f"{MESSAGES}{waiting.pk}/cancel/", WHY)
    assert answer.json()["message"]["status"] == "cancelled"
    assert [event["what"] for event in answer.json()["timeline"]] == ["Written", "Cancelled"]
    assert code(everything.post(f"{MESSAGES}{failed[0].pk}/cancel/", WHY)) == (409, "not_waiting")


def test_only_what_waits_for_its_moment_is_moved(everything: APIClient) -> None:
    at = timezone.now() + timedelta(hours=1)
    waiting, due = publish_one(RecipientFactory(), send_at=at), publish_one(RecipientFactory())
    change = WHY | {"send_at": "2031-05-01T10:00:00Z"}
    answer = everything.post(f"{MESSAGES}{waiting.pk}/move/", change)
    assert answer.json()["message"]["send_at"] == "2031-05-01T10:00:00Z"
    assert [wait["code"] for wait in answer.json()["waits"]] == ["later"]

    assert code(everything.post(f"{MESSAGES}{due.pk}/move/", change)) == (409, "not_scheduled")
    assert code(everything.post(f"{MESSAGES}{waiting.pk}/move/", WHY)) == (400, "invalid_input")


def test_an_address_is_corrected_and_the_message_replayed(everything: APIClient, failed: list[OutboxMessage]) -> None:
    where = f"{MESSAGES}{failed[2].pk}/address/"
    refused = everything.post(where, {"address": "12345", **WHY})
    assert code(refused) == (400, "invalid_input")
    assert refused.json()["errors"].keys() == {"address"}
    assert everything.post(where, {"address": "+49 30 901820", **WHY}).json()["message"]["status"] == "pending"
    failed[2].recipient.refresh_from_db()
    assert failed[2].recipient.phone == "+4930901820"
    change, replayed = OperatorAction.objects.order_by("pk")
    assert (change.action, replayed.action) == ("change_address", "replay")
    assert change.detail.endswith("→ +4930…20")


def test_many_are_previewed_then_replayed(everything: APIClient, failed: list[OutboxMessage]) -> None:
    wish = {"channel": "sms", "error_code": "twilio_30008"}
    seen = everything.post(REPLAYS, {**wish, "dry_run": True}).json()
    assert seen["total"] == 2
    assert seen["groups"] == [{"count": 2, "kind": "test.greeting", "channel": "sms", "error_code": "twilio_30008"}]
    assert [row["id"] for row in seen["first"]] == [failed[0].pk, failed[1].pk]
    assert set(OutboxMessage.objects.values_list("status", flat=True)) == {"failed"}
    assert code(everything.post(REPLAYS, wish)) == (400, "invalid_input"), "no reason"
    begun = everything.post(REPLAYS, {**wish, **WHY})
    assert begun.status_code == 201
    assert (begun.json()["replayed"], begun.json()["finished_at"] is not None) == (2, True)
    assert everything.get(f"{REPLAYS}{begun.json()['id']}/").json() == begun.json()
    assert list(OutboxMessage.objects.order_by("pk").values_list("status", flat=True)) == ["pending"] * 2 + ["failed"]
    assert code(everything.post(REPLAYS, {"user": "nobody", **WHY})) == (400, "invalid_input")


def test_a_replay_goes_on_where_it_stands_and_stops(
    everything: APIClient, failed: list[OutboxMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_replay, "BATCH", 1)
    monkeypatch.setattr("notifications.api.views.SECONDS", 0.0)  # one batch per request
    begun = everything.post(REPLAYS, WHY).json()
    assert (begun["replayed"], begun["finished_at"]) == (1, None)
    assert everything.post(f"{REPLAYS}{begun['id']}/continue/").json()["replayed"] == 2
    assert everything.post(f"{REPLAYS}{begun['id']}/stop/").json()["stopped_by"].startswith("staff")
    assert everything.post(f"{REPLAYS}{begun['id']}/continue/").json()["replayed"] == 2, "it was stopped"


def test_channels_are_paused_and_resumed(everything: APIClient) -> None:
    assert [channel["name"] for channel in everything.get(CHANNELS).json()] == ["email", "sms", "whatsapp"]
    paused = everything.post(f"{CHANNELS}sms/pause/", WHY).json()
    assert paused["pause_reason"] == WHY["reason"]
    assert everything.post(f"{CHANNELS}sms/resume/", WHY).json()["paused_at"] is None
    assert list(OperatorAction.objects.order_by("pk").values_list("action", flat=True)) == ["pause", "resume"]
    assert everything.post(f"{CHANNELS}fax/pause/", WHY).status_code == 404


def test_what_went_out_is_sent_again_as_a_new_message(everything: APIClient) -> None:
    message = publish_one(RecipientFactory())
    assert code(everything.post(f"{MESSAGES}{message.pk}/again/", WHY)) == (409, "not_sent_again")
    drain(RecordingChannel())
    answer = everything.post(f"{MESSAGES}{message.pk}/again/", WHY)

    assert answer.status_code == 201
    assert answer.json()["message"]["id"] == OutboxMessage.objects.get(repeat_of__original=message).pk
    assert code(everything.post(f"{MESSAGES}{message.pk}/again/", {})) == (400, "invalid_input")
    assert everything.post(f"{MESSAGES}999999/again/", WHY).status_code == 404


@pytest.mark.parametrize("lacking", EVERYTHING)
def test_without_the_permission_nothing_is_done(failed: list[OutboxMessage], lacking: str) -> None:
    pause_channel.pause("sms", actor="ann")
    waiting = publish_one(RecipientFactory())
    client = staff(*(name for name in EVERYTHING if name != lacking))
    needs = {
        f"{MESSAGES}{failed[0].pk}/replay/": {"view_outboxmessage", "replay_outboxmessage"},
        f"{MESSAGES}{waiting.pk}/cancel/": {"view_outboxmessage", "cancel_outboxmessage"},
        f"{MESSAGES}{waiting.pk}/again/": {"view_outboxmessage", "repeat_outboxmessage"},
        f"{MESSAGES}{waiting.pk}/move/": {"view_outboxmessage", "cancel_outboxmessage"},
        f"{MESSAGES}{failed[1].pk}/address/": {
            "view_outboxmessage",
            "replay_outboxmessage",
            "change_recipient_address",
        },
        REPLAYS: {"view_outboxmessage", "replay_outboxmessage"},
        f"{CHANNELS}sms/resume/": {"view_channelstate", "pause_channel"},
    }
    body = {"address": "+4930901820", **WHY}
    for where, permissions in needs.items():
        if lacking in permissions:
            assert code(client.post(where, body)) == (403, "permission_denied"), where
    assert set(OperatorAction.objects.values_list("action", flat=True)) == {"pause"}
    assert not BulkReplay.objects.exists()
    assert ChannelState.objects.get(name="sms").paused_at


def test_permissions_without_being_staff_count_for_nothing(failed: list[OutboxMessage]) -> None:
    user = User.objects.create_user("customer")
    user.user_permissions.set(Permission.objects.filter(codename__in=EVERYTHING))
    assert client_of(user).get(MESSAGES).status_code == 403


class TestUsage:
    """Messages and cost, by month and what else is asked for."""

    ADDRESS = "/api/staff/outbox/usage/"

    def test_it_is_told_with_its_cost_by_currency(self) -> None:
        about = {"month": date(2026, 3, 1), "kind": "x", "channel": "sms", "country": "US"}
        Usage.objects.create(relay_id=1, sent=4, **about)
        Usage.objects.create(currency="USD", priced=2, segments=3, cost="0.02", delivered=2, **about)
        query = {"since": "2026-01", "until": "2026-12", "by": "month,country"}
        answer = staff("view_usage").get(self.ADDRESS, query)
        assert answer.status_code == 200, answer.content
        told = answer.json()
        assert told["groups"] == ["month", "country"]
        (line,) = told["results"]
        assert line["month"] == "2026-03"
        assert (line["country"], line["sent"], line["segments"], line["cost"]) == ("US", 4, 3, {"USD": "0.020000"})
        assert (line["delivery_rate"], line["seconds_to_delivery"]) == (0.5, None)

    @pytest.mark.parametrize(
        "odd", [{"since": "2026"}, {"by": "secret"}, {"by": ","}, {"kind": "\x00"}, {"country": "USA"}, {"until": ""}]
    )
    def test_what_is_not_understood_is_refused(self, odd: dict[str, str]) -> None:
        query = {"since": "2026-01", "until": "2026-12"} | odd
        assert code(staff("view_usage").get(self.ADDRESS, query)) == (400, "invalid_input")

    def test_it_needs_its_permission(self) -> None:
        assert staff("view_outboxmessage").get(self.ADDRESS).status_code == 403
