"""Routes on the board and on the admin's page of channels: what is seen of them, and what staff may do there."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from notifications.board.headline import headlines
from notifications.board.route_figures import RoutedChannel, RouteFigures
from notifications.board.snapshot import snapshot
from notifications.channels.base import DeliveryReport
from notifications.lifecycle import ReceiptStatus
from notifications.models import ChannelState, DeliveryAttempt
from notifications.models.audit import OperatorAction
from notifications.monitoring import alert_rules
from notifications.operations import move_channel, pause_channel
from notifications.policy.runbook import MOVED, REROUTED
from notifications.receipts.record import MessageReport, record
from notifications.selectors.overview import overview
from tests.factories.notifications import RecipientFactory, publish_one
from tests.factories.staff import staff
from tests.stage.routes import Provider, drain_routes, routes

pytestmark = pytest.mark.django_db(transaction=True)
SHARES = {"twilio": {"share": 80.0}, "backup": {"share": 20.0}}
CHANNELS = reverse("admin:notifications_channelstate_changelist")
BOARD = reverse("outbox:board")


@pytest.fixture(autouse=True)
def two_routes(settings: Settings) -> None:
    settings.OUTBOX_ROUTES = {"sms": SHARES}


def page_of(verb: str, name: str) -> str:
    return reverse(f"admin:notifications_channelstate_{verb}", args=[name])


def seen(client: Client, address: str) -> str:
    """The page's words."""
    answer = client.get(address)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def sms() -> RoutedChannel:
    [channel] = snapshot().routed
    return channel


def of(name: str) -> RouteFigures:
    return next(route for route in sms().routes if route.name == name)


def told() -> list[str]:
    return [str(each) for each in headlines(snapshot()) if each.channel.startswith("sms")]


def break_down(key: str, code: str = "connect_timeout") -> None:
    ChannelState.objects.update_or_create(
        name=key, defaults={"broken_at": Now(), "probe_at": Now(), "last_error": code, "recovered_at": None}
    )


def sent(number: int) -> None:
    """So many messages over both routes."""
    for _ in range(number):
        publish_one(RecipientFactory())
    first, second = Provider("twilio", answer=None), Provider("backup", answer=None)
    drain_routes(first, second, **routes(first, second, **SHARES))


def report(attempt: DeliveryAttempt, status: ReceiptStatus) -> None:
    news = MessageReport(attempt.message_id, attempt.provider_id, DeliveryReport(status), attempt.claim_number)
    assert record(news, channels=["sms"])


class TestFigures:
    def test_delivery_is_counted_per_route_over_the_last_hour(self) -> None:
        assert of("twilio").last_hour.percent is None
        sent(12)
        first = list(DeliveryAttempt.objects.filter(route="twilio").order_by("pk"))
        for attempt, status in zip(first, ["delivered", "delivered", "delivered", "undelivered", "sent"], strict=False):
            report(attempt, ReceiptStatus(status))
        DeliveryAttempt.objects.filter(pk=first[0].pk).update(ended_at=F("ended_at") - timedelta(seconds=40))
        DeliveryAttempt.objects.filter(pk=first[1].pk).update(ended_at=F("ended_at") - timedelta(seconds=20))
        DeliveryAttempt.objects.filter(pk=first[2].pk).update(ended_at=F("ended_at") - timedelta(minutes=61))
        counted = of("twilio").last_hour
        assert (counted.accepted, counted.reported, counted.arrived) == (len(first) - 1, 3, 2)
        assert counted.seconds == pytest.approx(30, abs=5)
        assert of("backup").last_hour.accepted == 12 - len(first)
        assert of("backup").last_hour.seconds is None
        words = seen(staff("view_outboxmessage"), BOARD)
        assert "66.7 % of 3" in words
        assert "Pause…" not in words, "without the permission"
        assert "Move all" not in words

    def test_without_routes_nothing_is_shown_and_nothing_asked(self, settings: Settings) -> None:
        settings.OUTBOX_ROUTES = {}
        assert snapshot().routed == []
        assert 'id="routes"' not in staff("view_outboxmessage").get(BOARD).content.decode()

    def test_an_automatic_move_is_announced_with_its_cause_and_undone_in_steps(self, settings: Settings) -> None:
        assert [(each.share, each.share_now) for each in sms().routes] == [(80, 80), (20, 20)]
        break_down("sms:twilio", "twilio_20003")
        [headline] = [each for each in headlines(snapshot()) if each.trouble is REROUTED]
        assert headline.what.startswith("sms:twilio is refused since ")
        assert "our credentials (twilio_20003); backup takes over. Renew them" in str(headline)
        assert [each.share_now for each in sms().routes] == [0, 100]
        alerts = alert_rules.wrong_now().alerts
        assert alerts["rerouted:sms:twilio"].startswith("Nothing goes over sms:twilio: the provider refuses our")
        assert "; backup takes over. Renew them" in alerts["rerouted:sms:twilio"]
        assert "refused:sms:twilio" not in alerts, "something is sent"

        settings.OUTBOX_ROUTE_RETURN_SECONDS = 100
        back = Now() - timedelta(seconds=35)
        ChannelState.objects.filter(name="sms:twilio").update(broken_at=None, probe_at=None, recovered_at=back)
        assert of("twilio").state == "recovering"
        assert of("twilio").share_now == pytest.approx(100 * 80 * 0.4 / (80 * 0.4 + 20))
        assert told() == []
        assert "rerouted:sms:twilio" not in alert_rules.wrong_now().alerts

    def test_a_channel_is_out_of_service_once_all_of_its_routes_are(self, settings: Settings) -> None:
        settings.OUTBOX_ALERT_AGE_SECONDS = 60
        break_down("sms")  # from when it had one route: nobody would ever mend that
        break_down("sms:old")  # a route that there was
        assert told() == []
        assert overview().channels["sms"]["state"] == "open"
        break_down("sms:twilio")
        pause_channel.pause("sms:backup", actor="ann", reason="a test")
        ChannelState.objects.update(broken_at=F("broken_at") - timedelta(seconds=61))
        [headline] = told()
        assert headline.startswith("sms is broken since ")
        assert "backup: by ann: a test" in seen(staff("view_outboxmessage"), BOARD)
        broken = {name for name in alert_rules.wrong_now().alerts if name.startswith(("broken:", "rerouted:"))}
        assert broken == {"broken:sms:twilio"}

    def test_a_move_is_named_with_who_and_why_and_what_if_its_route_is_shut(self) -> None:
        move_channel.move("sms", to="backup", actor="ann", reason="its rates doubled")
        [headline] = [each for each in headlines(snapshot()) if each.trouble is MOVED]
        assert headline.what == "All of sms goes over backup, moved by ann: its rates doubled."
        assert "Move sms back…" in seen(staff("view_outboxmessage"), headline.link)
        assert [each.share_now for each in sms().routes] == [0, 100]
        pause_channel.pause("sms:backup", actor="bob", reason="a bill")
        assert told() == [
            "sms is moved to backup, which takes nothing; twilio takes over. Move it back when the reason is gone.",
            "sms:backup is paused, by bob: a bill; twilio takes over. Resume it when the reason is gone.",
        ]


class TestPages:
    def test_a_channel_is_moved_and_moved_back_by_whoever_may(self) -> None:
        sent(1)
        mover = staff("view_outboxmessage", "view_channelstate", "move_channel", name="mia")
        assert "Move all to backup…" in seen(mover, BOARD)
        assert "Move all to…" in seen(mover, CHANNELS)
        assert "Pause…" not in seen(mover, CHANNELS)
        address = f"{page_of('move', 'sms')}?to=backup"
        assert '<option value="backup" selected>' in mover.get(address).content.decode()
        for wrong in ({"route": "backup"}, {"route": "backup", "reason": " "}, {"route": "vonage", "reason": "x"}, {}):
            assert mover.post(address, wrong).status_code == 200, wrong
        assert not OperatorAction.objects.exists()
        assert "Sms is moved to backup." in seen_after(mover, address, route="backup", reason="its rates doubled")
        assert "Sms was already moved to backup." in seen_after(mover, address, route="backup", reason="again")
        assert "Move sms back…" in seen(mover, BOARD)
        assert "its rates doubled" in seen(mover, page_of("move_back", "sms"))
        assert "Sms is moved back." in seen_after(mover, page_of("move_back", "sms"), reason="they came down")
        assert "Sms was not moved." in seen_after(mover, page_of("move_back", "sms"), reason="again")
        acted = list(OperatorAction.objects.order_by("pk").values_list("action", "actor", "reason"))
        assert acted == [("move", "mia", "its rates doubled"), ("move_back", "mia", "they came down")]
        for unknown in ("email", "sms:backup", "pigeon"):
            assert mover.get(page_of("move", unknown)).status_code == 404

    def test_nobody_moves_without_the_permission(self) -> None:
        pauser = staff("view_channelstate", "pause_channel")
        for verb in ("move", "move_back"):
            answer = pauser.post(page_of(verb, "sms"), {"route": "backup", "reason": "a test"})
            assert answer.status_code == 403
        assert not OperatorAction.objects.exists()

    def test_a_route_is_paused_and_resumed_by_itself(self) -> None:
        sent(1)
        pauser = staff("view_outboxmessage", "view_channelstate", "pause_channel")
        assert page_of("pause", "sms:twilio") in pauser.get(CHANNELS).content.decode()
        assert page_of("pause", "sms:twilio") in pauser.get(BOARD).content.decode()
        assert "The other routes of sms that are open take over" in seen(pauser, page_of("pause", "sms:twilio"))
        assert "Sms:twilio is paused." in seen_after(pauser, page_of("pause", "sms:twilio"), reason="a bill")
        assert (of("twilio").state, of("twilio").why, of("backup").share_now) == ("paused", "by support: a bill", 100)
        before = DeliveryAttempt.objects.filter(route="backup").count()
        sent(5)
        assert DeliveryAttempt.objects.filter(route="backup").count() == before + 5
        assert "over sms:twilio again" in seen(pauser, page_of("resume", "sms:twilio"))
        assert "Sms:twilio is resumed." in seen_after(pauser, page_of("resume", "sms:twilio"), reason="paid")
        assert of("twilio").state == "open"
        assert list(OperatorAction.objects.order_by("pk").values_list("action", "channel")) == [
            ("pause", "sms:twilio"),
            ("resume", "sms:twilio"),
        ]


def seen_after(client: Client, address: str, **fields: Any) -> str:
    """The words of the page to which sending its form leads."""
    answer = client.post(address, fields, follow=True)
    assert answer.redirect_chain, answer.content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))
