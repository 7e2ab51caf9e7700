"""Alerts: told once when something is wrong, once when it is over, by one of those who look, by email and webhook."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.checks import run_checks
from django.db import connection, connections
from django.db.models import F
from pytest_django import Settings

from notifications import schedules
from notifications.lifecycle import Permanent
from notifications.models import OutboxMessage
from notifications.models.alert import Alert
from notifications.monitoring import alert_rules, alerts, queries
from notifications.operations import pause_channel
from notifications.relay.connection import open_connection
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.fake_gateway import Fake
from tests.stage.relay import RecordingChannel, drain, running_loop
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


class Pager:
    """Whom alerts are told to, in this process."""

    def __init__(self, *, is_reachable: bool = True) -> None:
        self.told: list[str] = []
        self.is_reachable = is_reachable

    def __call__(self, alert: Alert) -> bool:
        if self.is_reachable:
            self.told.append(f"{alert.name} {'on' if alert.is_firing else 'off'}")
        return self.is_reachable


def let_time_pass(minutes: float) -> None:
    passed = timedelta(minutes=minutes)
    Alert.objects.update(seen_at=F("seen_at") - passed, notifying_until=F("notifying_until") - passed)


LATE = {"late:sms": "The oldest due message by sms has waited 400 s (limit: 300 s)."}


class TestOnce:
    def test_it_is_told_when_it_begins_and_when_it_is_over(self) -> None:
        pager = Pager()
        for _ in range(3):
            alerts.evaluate(pager, found=LATE)
        assert pager.told == ["late:sms on"]
        alerts.evaluate(pager, found={})
        assert pager.told == ["late:sms on"], "not before it has been quiet for a while"
        let_time_pass(6)
        for _ in range(2):
            alerts.evaluate(pager, found={})
        assert pager.told == ["late:sms on", "late:sms off"]
        assert not Alert.objects.exists()
        alerts.evaluate(pager, found=LATE)
        assert pager.told[2:] == ["late:sms on"], "next time it is news again"

    def test_what_comes_and_goes_is_told_once(self) -> None:
        pager = Pager()
        for found in (LATE, {}, LATE, {}, LATE):
            alerts.evaluate(pager, found=found)
            let_time_pass(3)
        assert pager.told == ["late:sms on"]

    def test_whoever_cannot_be_reached_is_told_later(self) -> None:
        nobody, pager = Pager(is_reachable=False), Pager()
        alerts.evaluate(nobody, found=LATE)
        alerts.evaluate(pager, found=LATE)
        assert pager.told == ["late:sms on"]

    def test_what_nobody_was_told_of_has_no_all_clear(self) -> None:
        alerts.evaluate(Pager(is_reachable=False), found=LATE)
        let_time_pass(6)
        pager = Pager()
        alerts.evaluate(pager, found={})
        assert pager.told == []
        assert not Alert.objects.exists()

    def test_an_all_clear_that_reached_nobody_is_told_later(self) -> None:
        pager = Pager()
        alerts.evaluate(pager, found=LATE)
        let_time_pass(6)
        assert alerts.evaluate(Pager(is_reachable=False), found={}) == []
        assert alerts.evaluate(pager, found={}) == ["late:sms"]
        assert pager.told == ["late:sms on", "late:sms off"]
        assert not Alert.objects.exists()

    def test_what_is_wrong_again_before_its_all_clear_reached_anybody_has_none(self) -> None:
        pager = Pager()
        alerts.evaluate(pager, found=LATE)
        let_time_pass(6)
        alerts.evaluate(Pager(is_reachable=False), found={})
        alerts.evaluate(pager, found=LATE)
        assert pager.told == ["late:sms on"], "it was never over for anybody"

    def test_one_that_dies_while_telling_is_followed_by_another(self) -> None:
        def die(_: Alert) -> bool:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            alerts.evaluate(die, found=LATE)
        pager = Pager()
        alerts.evaluate(pager, found=LATE)
        assert pager.told == [], "it may still be telling"
        let_time_pass(3)
        alerts.evaluate(pager, found=LATE)
        assert pager.told == ["late:sms on"]

    def test_many_who_look_at_once_tell_it_once(self) -> None:
        pager, ready = Pager(), threading.Barrier(8)

        def look() -> None:
            ready.wait()
            try:
                alerts.evaluate(pager, found=LATE)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=look) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert pager.told == ["late:sms on"]


class TestConditions:
    def test_all_is_well_where_a_relay_is_at_work_and_nothing_waits(self) -> None:
        with running_loop(RecordingChannel()):
            wait_until(lambda: alert_rules.wrong_now() == {})

    def test_no_relay(self) -> None:
        assert list(alert_rules.wrong_now()) == ["no-relay"]

    def test_a_message_that_waits_too_long_unless_somebody_paused_its_channel(self, settings: Settings) -> None:
        settings.OUTBOX_ALERT_AGE_SECONDS = 60
        publish_one(RecipientFactory())
        assert "late:sms" not in alert_rules.wrong_now()
        OutboxMessage.objects.update(next_attempt_at=F("next_attempt_at") - timedelta(seconds=61))
        assert "has waited 61 s (limit: 60 s)" in alert_rules.wrong_now()["late:sms"]
        pause_channel.pause("sms", actor="ann", reason="a test")
        assert "late:sms" not in alert_rules.wrong_now()

    def test_failures_beyond_their_share(self, settings: Settings) -> None:
        settings.OUTBOX_ALERT_FAILURE_PERCENT = 25
        for _ in range(20):
            publish_one(RecipientFactory())
        refused = iter([True] * 5 + [False] * 15)

        def answer(outgoing: Any) -> Any:
            return Permanent("twilio_30007", "No.") if next(refused) else RecordingChannel()._answer(outgoing)

        drain(RecordingChannel(answer=answer), concurrency=1)
        assert "failing:sms" not in alert_rules.wrong_now(), "a quarter, and no more"
        settings.OUTBOX_ALERT_FAILURE_PERCENT = 24
        assert alert_rules.wrong_now()["failing:sms"].startswith("5 of 20 messages by sms failed")

    def test_an_old_snapshot(self, settings: Settings) -> None:
        settings.OUTBOX_ALERT_SNAPSHOT_SECONDS = 0.001
        with open_connection("default", name="a report") as other:
            other.autocommit = False
            other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            other.execute("SELECT count(*) FROM notifications_outboxmessage")
            wait_until(lambda: queries.oldest_snapshot_seconds() > 0.05)
            assert "old-snapshot" in alert_rules.wrong_now()
            settings.OUTBOX_ALERT_SNAPSHOT_SECONDS = 3600
            assert "old-snapshot" not in alert_rules.wrong_now()
            other.rollback()


class Hook(Fake):
    """A chat service's incoming webhook."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Any] = []
        self.status = 200

    def routes(self) -> list[Any]:
        return [("POST", "/hook", self._hear)]

    def _hear(self, body: str, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.heard.append(json.loads(body))
        return self.status, {}


@pytest.fixture
def hook(settings: Settings) -> Iterator[Hook]:
    hook = Hook()
    with hook.serving():
        settings.OUTBOX_ALERT_URL = f"{hook.url}/hook"
        yield hook


class TestTelling:
    def test_administrators_get_an_email_and_the_webhook_a_post(self, hook: Hook, settings: Settings) -> None:
        settings.ADMINS = [("Ann", "ann@example.com")]
        assert schedules.look_for_trouble() == "notified of: no-relay"
        assert schedules.look_for_trouble() == "nothing new"
        (letter,) = mail.outbox
        assert (letter.to, letter.subject) == (["ann@example.com"], "Outbox: no-relay")
        assert "No relay is running" in letter.body
        (posted,) = hook.heard
        assert posted.keys() == {"alert", "state", "since", "detail", "host", "text"}
        assert (posted["alert"], posted["state"]) == ("no-relay", "firing")

    @pytest.mark.parametrize("status", [302, 404, 500])
    def test_a_webhook_that_refuses_is_asked_again(self, hook: Hook, status: int) -> None:
        hook.status = status
        assert schedules.look_for_trouble() == "nothing new"
        hook.status = 204
        assert schedules.look_for_trouble() == "notified of: no-relay"
        assert len(hook.heard) == 2

    def test_one_of_the_two_is_enough(self, hook: Hook, settings: Settings) -> None:
        settings.ADMINS = [("Ann", "ann@example.com")]
        hook.status = 500
        assert schedules.look_for_trouble() == "notified of: no-relay"

    @pytest.mark.parametrize("url", ["http://example.com/hook", "ftp://example.com", "https://", "file:///etc/passwd"])
    def test_only_https_leaves_this_machine(self, settings: Settings, url: str) -> None:
        settings.OUTBOX_ALERT_URL = url
        assert "notifications.E007" in [problem.id for problem in run_checks()]
        assert schedules.look_for_trouble() == "nothing new"

    def test_with_nobody_configured_the_log_alone_is_told_and_once(self, caplog: pytest.LogCaptureFixture) -> None:
        with connection.cursor():
            schedules.look_for_trouble()
            schedules.look_for_trouble()
        assert caplog.text.count("alert.raised alert=no-relay") == 1
