"""What is worth an alert, and what is not quite."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now
from pytest_django import Settings

from notifications.content.release import release
from notifications.kinds import Kind
from notifications.lifecycle import Permanent
from notifications.models import ChannelState, OutboxMessage, Recipient, Relay, WebRelease
from notifications.monitoring import alert_rules, queries, web_release
from notifications.operations import pause_channel
from notifications.policy.runbook import OF_ALERTS
from notifications.relay.connection import open_connection
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RecordingChannel, drain, running_loop
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def outbox_email(person: Recipient) -> OutboxMessage:
    """One by email, behind what waits for the person."""
    return publish_one(person, kind=Kind("test.mail", channels=("email",)))


class TestConditions:
    def test_all_is_well_where_a_relay_is_at_work_and_nothing_waits(self) -> None:
        with running_loop(RecordingChannel()):
            wait_until(lambda: alert_rules.wrong_now().alerts == {})

    def test_no_relay(self) -> None:
        assert list(alert_rules.wrong_now().alerts) == ["no-relay"]

    def test_a_rule_that_fails_is_an_alert_and_keeps_no_other_from_being_looked_at(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        words = "somebody"

        def explode(using: str) -> Any:
            raise ValueError(words)

        monkeypatch.setattr(alert_rules.overview, "oldest_due_by_channel", explode)
        found = alert_rules.wrong_now()
        assert set(found.alerts) == {"rule-failed:late", "rule-failed:paused", "no-relay"}
        assert "ValueError" in found.alerts["rule-failed:late"]
        assert not found.are_known("late:sms")
        assert found.are_known("failing:sms")
        assert "alert rule failed on late" in caplog.text
        assert "somebody" not in caplog.text

    def test_a_message_that_waits_too_long_unless_somebody_paused_its_channel(self, settings: Settings) -> None:
        settings.OUTBOX_ALERT_AGE_SECONDS = 60
        publish_one(RecipientFactory())
        assert "late:sms" not in alert_rules.wrong_now().alerts
        OutboxMessage.objects.update(next_attempt_at=F("next_attempt_at") - timedelta(seconds=61))
        assert "has waited 61 s (limit: 60 s)" in alert_rules.wrong_now().alerts["late:sms"]
        pause_channel.pause("sms", actor="ann", reason="a test")
        assert "late:sms" not in alert_rules.wrong_now().alerts

    def test_failures_beyond_their_share(self, settings: Settings) -> None:
        settings.OUTBOX_ALERT_FAILURE_PERCENT = 25
        for _ in range(20):
            publish_one(RecipientFactory())
        refused = iter([True] * 5 + [False] * 15)

        def answer(outgoing: Any) -> Any:
            return Permanent("twilio_30007", "No.") if next(refused) else RecordingChannel()._answer(outgoing)

        drain(RecordingChannel(answer=answer), concurrency=1)
        assert "failing:sms" not in alert_rules.wrong_now().alerts, "a quarter, and no more"
        settings.OUTBOX_ALERT_FAILURE_PERCENT = 24
        assert alert_rules.wrong_now().alerts["failing:sms"].startswith("5 of 20 messages by sms failed")

    def test_an_old_snapshot(self, settings: Settings) -> None:
        settings.OUTBOX_ALERT_SNAPSHOT_SECONDS = 0.001
        with open_connection("default", name="a report") as other:
            other.autocommit = False
            other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            other.execute("SELECT count(*) FROM notifications_outboxmessage")
            wait_until(lambda: queries.oldest_snapshot_seconds() > 0.05)
            assert "old-snapshot" in alert_rules.wrong_now().alerts
            settings.OUTBOX_ALERT_SNAPSHOT_SECONDS = 3600
            assert "old-snapshot" not in alert_rules.wrong_now().alerts
            other.rollback()


class TestCauses:
    def test_a_provider_that_refuses_us_is_an_alert_of_its_own_with_the_cure(self) -> None:
        ChannelState.objects.create(name="sms", broken_at=Now(), probe_at=Now(), last_error="twilio_20003")
        ChannelState.objects.create(name="email", broken_at=Now(), probe_at=Now(), last_error="connect_timeout")
        alerts = alert_rules.wrong_now().alerts
        assert "refused:email" not in alerts, "an outage ends by itself"
        assert alerts["refused:sms"].startswith(
            "Nothing is sent by sms: the provider refuses our credentials (twilio_20003). Renew them"
        )
        ChannelState.objects.update(paused_at=Now())
        assert "refused:sms" not in alert_rules.wrong_now().alerts

    def test_a_few_failures_are_an_alert_where_nothing_else_is_sent(self) -> None:
        for _ in range(3):
            publish_one(RecipientFactory())
        drain(RecordingChannel(answer=lambda _: Permanent("rendering_failed")))
        assert alert_rules.wrong_now().alerts["failing:sms"] == (
            "3 of 3 messages by sms failed in the last 15 min (limit: 20 %). Most often: the words could not be made, "
            "or the provider does not accept them (rendering_failed). Mend the template, and look at it with "
            "preview_notification. Restart the relays, then replay."
        )
        publish_one(RecipientFactory())
        drain(RecordingChannel())
        assert "failing:sms" not in alert_rules.wrong_now().alerts


class TestWhatTheBoardSays:
    """Whatever the board's headline says for long enough is an alert, too, in the words of the runbook."""

    def test_a_pause_that_somebody_forgot_and_what_waits_behind_it(self, settings: Settings) -> None:
        settings.OUTBOX_ALERT_AGE_SECONDS = 60
        person = RecipientFactory()
        publish_one(person)
        outbox_email(person)
        pause_channel.pause("sms", actor="ann", reason="Bob's bill")
        long_ago = F("next_attempt_at") - timedelta(seconds=61)
        OutboxMessage.objects.filter(channel="sms").update(next_attempt_at=long_ago)
        assert not {"paused:sms", "held-up:sms:email"} & alert_rules.wrong_now().alerts.keys(), "only just paused"
        ChannelState.objects.update(paused_at=F("paused_at") - timedelta(seconds=61))
        OutboxMessage.objects.update(created_at=F("created_at") - timedelta(seconds=61))
        alerts = alert_rules.wrong_now().alerts
        assert alerts["paused:sms"].endswith("The board says who and why. Resume it when the reason is gone.")
        assert "Bob" not in alerts["paused:sms"]
        assert alerts["held-up:sms:email"].startswith("By email, 1 message waits behind sms")

    def test_an_outage_that_lasts(self, settings: Settings) -> None:
        settings.OUTBOX_ALERT_AGE_SECONDS = 60
        state = ChannelState.objects.create(name="sms", broken_at=Now(), probe_at=Now(), last_error="connect_timeout")
        assert "broken:sms" not in alert_rules.wrong_now().alerts
        ChannelState.objects.update(broken_at=F("broken_at") - timedelta(minutes=3))
        alerts = alert_rules.wrong_now().alerts
        assert alerts["broken:sms"].startswith("Nothing has been sent by sms for 3 min: the provider cannot be reached")
        ChannelState.objects.filter(pk=state.pk).update(last_error="twilio_20003")
        assert "broken:sms" not in alert_rules.wrong_now().alerts, "a refusal has an alert of its own"

    def test_relays_that_no_deploy_has_reached(self) -> None:
        old = {"started_at": Now(), "heartbeat_at": Now(), "lease_until": Now() + timedelta(minutes=1)}
        Relay.objects.create(host="a", pid=1, concurrency=1, release="old", **old)
        assert "other-release" not in alert_rules.wrong_now().alerts, "no web is known"
        now = 1000.0
        web_release._told.clear()
        web_release.tell_release(clock=lambda: now)
        assert "other-release" not in alert_rules.wrong_now().alerts, "the deploy may be under way"
        WebRelease.objects.update(first_seen_at=F("first_seen_at") - timedelta(minutes=11))
        told = alert_rules.wrong_now().alerts["other-release"]
        assert "on a runs other code or templates than the web." in told
        assert told.endswith("Restart what is older.")
        WebRelease.objects.update(seen_at=F("seen_at") - timedelta(minutes=6))
        assert "other-release" not in alert_rules.wrong_now().alerts, "no web is heard of any more"
        web_release.tell_release(clock=lambda: now + 30)
        assert "other-release" not in alert_rules.wrong_now().alerts, "it tells once a minute"
        web_release.tell_release(clock=lambda: now + 61)
        assert "other-release" not in alert_rules.wrong_now().alerts, "one that comes back is new"
        WebRelease.objects.update(first_seen_at=F("first_seen_at") - timedelta(minutes=11))
        Relay.objects.update(release=release())
        assert "other-release" not in alert_rules.wrong_now().alerts

    def test_a_relay_that_is_silent_among_others(self) -> None:
        beat = {"started_at": Now(), "lease_until": Now() + timedelta(minutes=1), "pid": 1, "concurrency": 1}
        silent = Relay.objects.create(host="a", heartbeat_at=Now() - timedelta(minutes=2), **beat)
        assert f"stale:{silent.pk}" not in alert_rules.wrong_now().alerts, "there is none but this"
        Relay.objects.create(host="b", heartbeat_at=Now(), **beat)
        assert "on a has sent no heartbeat for 2 min" in alert_rules.wrong_now().alerts[f"stale:{silent.pk}"]

    def test_every_rule_but_its_own_failure_has_a_page_in_the_runbook(self) -> None:
        assert alert_rules._rules().keys() == OF_ALERTS.keys()
