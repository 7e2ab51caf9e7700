"""The live board: what it shows, who may see it and steer, and what it costs."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from notifications.board import queries
from notifications.board.figures import Count
from notifications.board.snapshot import _count, snapshot
from notifications.clock.run import Clock
from notifications.models import Relay
from notifications.models.audit import OperatorAction
from notifications.operations.relay_commands import RelayCommand, command_relay
from notifications.selectors.database_clock import database_now
from tests.factories.notifications import RecipientFactory, publish_one
from tests.factories.scene import busy_day, message
from tests.factories.staff import staff
from tests.stage.relay import RecordingChannel, running_loop
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

BOARD, NOW = reverse("outbox:board"), reverse("outbox:now")


def a_reader() -> Client:
    return staff("view_outboxmessage", name="ann")


def a_driver() -> Client:
    return staff("view_outboxmessage", "command_relay", name="ann")


def seen(client: Client, address: str = NOW) -> str:
    """The page's words."""
    answer = client.get(address)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


class TestWhatItShows:
    def test_an_outbox_that_nothing_has_happened_in(self) -> None:
        words = seen(a_reader())
        for said in (
            "No relay is running: nothing is sent.",
            "nothing waits for a relay",
            "No message has failed.",
        ):
            assert said in words

    def test_a_busy_day(self) -> None:
        busy_day()
        words = seen(a_reader(), BOARD)
        for said in (
            "email is paused, by ann: new templates go live. Resume it",
            "whatsapp is refused since",
            "the provider refuses our credentials (twilio_20003). Renew them (TWILIO_AUTH_TOKEN",
            "3 messages by sms (booking.confirmed) failed in the last 15 minutes: the provider has trouble",
            "the provider refuses our credentials (twilio_20003); 4 probes failed",
            "next probe at",
            "Waiting 6 behind others in their lanes; 1 for a later time",
            "Due 3 the oldest for",
            "Failed (dead letters) 12",
            "twilio_30008 the provider has trouble of its own sms 7",
            "was told to drain.",
            "relay-1 process 412",
            "0.84",
            "sweep payments",
            "failed",
            "paused",
        ):
            assert said in words, said
        board = snapshot()
        assert [(lane.channel, lane.behind.number) for lane in board.blocked] == [("sms", 5), ("email", 1)]
        assert [(group.error_code, group.count) for group in board.failures] == [
            ("twilio_30008", 7),
            ("twilio_21610", 3),
            ("smtp_550", 2),
        ]
        assert board.receipts == [("sms", [2, 0, 1, 1, 0, 0])]
        assert board.failed.number == 12
        (holds, _, payments) = board.schedules or []
        assert (holds.failures, payments.failures, payments.has_failed) == (0, 1, True)

    def test_the_hour_and_the_day_add_up(self) -> None:
        busy_day()
        board = snapshot()
        assert len(board.hour) == 60
        assert len(board.day) == 144
        assert sum(stretch.flow.sent for stretch in board.hour if stretch.flow) in range(
            board.last_hour.sent - 400, board.last_hour.sent + 1
        )
        shown = sum(stretch.flow.sent for stretch in board.day if stretch.flow)
        assert shown in range(board.last_day.sent - 4_000, board.last_day.sent + 1), (
            "without the ten minutes that are running, which may just have begun"
        )
        assert 0.025 < (board.last_hour.delay.p50 or 0) < 1
        assert (board.last_hour.delay.p50 or 0) < (board.last_hour.delay.p95 or 0)

    def test_a_real_relay_is_seen_at_work(self) -> None:
        client = a_reader()
        Clock("default").tick()
        with running_loop(RecordingChannel()):
            publish_one(RecipientFactory())
            wait_until(lambda: snapshot().last_minute.sent == 1)
            (relay,) = snapshot().relays
            assert relay.settled == 1
            assert relay.load is not None
            assert "All is well." in seen(client)
        assert "No relay is running" in seen(client)

    def test_a_count_beyond_the_bound_says_what_the_sample_said(self) -> None:
        now = database_now()
        beyond = queries.MOST_COUNTED + 1
        assert str(_count(beyond, {"minute": now, "queued": 260_000}, "queued")) == "about 260,000"
        assert str(_count(beyond)) == f"over {queries.MOST_COUNTED:,}"
        assert str(Count(1_999)) == "1,999"


class TestWhoMay:
    def test_a_stranger_is_sent_to_the_login(self) -> None:
        for address in (BOARD, NOW):
            answer = Client().get(address)
            assert (answer.status_code, "/admin/login/" in answer.headers["Location"]) == (302, True)

    def test_staff_without_the_permission_are_refused(self) -> None:
        client = staff("view_recipient", name="ann")
        assert [client.get(address).status_code for address in (BOARD, NOW)] == [403, 403]
        assert "live board" not in seen(client, reverse("admin:index"))

    def test_who_may_only_look_sees_no_button(self) -> None:
        busy_day()
        page = a_reader().get(BOARD).content.decode()
        assert 'id="replay-' not in page
        assert "Pause<" not in page
        assert "Stop<" not in page

    def test_the_admin_leads_to_it(self) -> None:
        assert f'href="{BOARD}"' in a_reader().get(reverse("admin:index")).content.decode()

    def test_nothing_on_it_needs_more_than_a_strict_content_security_policy_allows(self) -> None:
        busy_day()
        page = a_driver().get(BOARD).content.decode()
        ours = page[page.index('id="content-main"') : page.index('id="footer"')]
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script", ours)


class TestSteering:
    def test_a_relay_is_told_to_stop_and_it_is_on_record(self) -> None:
        client = a_driver()
        with running_loop(RecordingChannel()):
            wait_until(Relay.objects.exists)
            relay = Relay.objects.get()
            address = reverse("outbox:command", args=[relay.pk, "stop"])
            assert "No other relay is running" in seen(client, address)
            assert client.post(address, {"reason": ""}).status_code == 200
            assert Relay.objects.get().command == "", "a reason is asked for"
            assert client.post(address, {"reason": "new release"}).status_code == 302
            wait_until(lambda: not Relay.objects.exists())
        record = OperatorAction.objects.get()
        assert (record.action, record.actor, record.reason) == ("stop", "ann", "new release")
        assert f"relay {relay.pk} (" in record.detail

    def test_a_relay_is_told_to_drain_and_ends_once_nothing_is_left(self) -> None:
        later = publish_one(RecipientFactory())
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE notifications_outboxmessage SET next_attempt_at = now() + interval '2 s' WHERE id = %s",
                [later.pk],
            )
        sms = RecordingChannel()
        with running_loop(sms):
            wait_until(Relay.objects.exists)
            relay = Relay.objects.get()
            assert command_relay(relay.pk, RelayCommand.DRAIN, actor="ann")
            assert not command_relay(relay.pk, RelayCommand.DRAIN, actor="ann"), "once"
            wait_until(lambda: not Relay.objects.exists())
        assert [outgoing.message_id for outgoing in sms.sent] == [later.pk]
        assert OperatorAction.objects.get().action == "drain"

    def test_a_relay_that_drains_can_be_stopped_and_one_that_is_gone_cannot(self) -> None:
        busy_day()
        first, second = Relay.objects.order_by("id")
        assert second.command == "drain"
        assert command_relay(second.pk, RelayCommand.STOP, actor="ann")
        assert not command_relay(second.pk, RelayCommand.DRAIN, actor="ann"), "a stop is not taken back"
        assert not command_relay(second.pk + 1, RelayCommand.STOP, actor="ann")
        client = a_driver()
        assert client.get(reverse("outbox:command", args=[second.pk + 1, "stop"])).status_code == 404
        assert client.get(reverse("outbox:command", args=[first.pk, "explode"])).status_code == 404

    def test_steering_needs_its_own_permission(self) -> None:
        busy_day()
        relay = Relay.objects.earliest("id")
        client = staff("view_outboxmessage", "view_relay", "change_relay", name="ann")
        answer = client.post(reverse("outbox:command", args=[relay.pk, "stop"]), {"reason": "why not"})
        assert answer.status_code == 403
        relay.refresh_from_db()
        assert relay.command == ""


class TestLookingAt:
    def test_dead_letters_are_named_until_somebody_has_looked(self) -> None:
        old = database_now() - timedelta(hours=2)
        message(status="failed", error_code="twilio_21211", finished_at=old, claim_number=1, attempts=1)
        client = staff("view_outboxmessage", "replay_outboxmessage", name="ann")
        assert "1 failed message has waited for somebody to look" in seen(client)
        address = reverse("outbox:look-at")
        assert f'href="{address}"' in client.get(NOW).content.decode()
        assert client.post(address, {"reason": ""}).status_code == 200, "a reason is asked for"
        assert client.post(address, {"reason": "asked them for another number"}).status_code == 302
        assert "waited for somebody to look" not in seen(client)
        assert OperatorAction.objects.get().reason == "asked them for another number"
        message(status="failed", error_code="twilio_21211", finished_at=database_now(), claim_number=1, attempts=1)
        assert snapshot().unseen == 1, "the next one is new"

    def test_it_needs_the_permission_to_replay(self) -> None:
        assert a_reader().post(reverse("outbox:look-at"), {"reason": "why not"}).status_code == 403
        assert not OperatorAction.objects.exists()
