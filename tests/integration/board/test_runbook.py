"""The ten things that go wrong, each brought about: headline, alert or message page lead to the cure by links alone.

A reader who only follows links and fills in what a form asks for mends each of them. Every link counts as a click.
"""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from html import unescape
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db.models import F
from django.test import Client
from pytest_django import Settings

from notifications.board.headline import headlines
from notifications.board.snapshot import snapshot
from notifications.channels.base import Outgoing
from notifications.clock.run import Clock
from notifications.lifecycle import Accepted, Outcome, Permanent, Transient, Unknown
from notifications.models import Alert, OutboxMessage, Relay
from notifications.monitoring import alerts, notifiers
from notifications.operations import pause_channel
from notifications.policy.runbook import TROUBLES, Trouble
from notifications.relay.breaker import FAILURES
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.admin_forms import fields_of
from tests.stage.relay import RecordingChannel, drain, running_loop
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
MOST_CLICKS = 4


class Reader:
    """Follows links by their words, from the board, and sends forms."""

    def __init__(self) -> None:
        self._client, self.clicks = Client(), 0
        self._client.force_login(User.objects.create_superuser("ann", "ann@example.com"))
        self.open("/admin/outbox/")

    def open(self, address: str) -> None:
        answer = self._client.get(address.partition("#")[0])
        assert answer.status_code == 200, (address, answer.status_code)
        self.address, self.page = address, answer.content.decode()

    def click(self, words: str, *, beside: str = "") -> None:
        """Follow the first link whose words begin so, after the text `beside`."""
        assert beside in unescape(self.page), (beside, " ".join(self.text.split()))
        for attributes, label in re.findall("<a ([^>]*)>(.*?)</a>", self.page[self._place(beside) :], re.DOTALL):
            if re.sub("<[^>]*>", "", unescape(label)).strip().startswith(words):
                self.clicks += 1
                self.open(unescape(re.findall('href="([^"]*)"', attributes)[0]))
                return
        raise AssertionError(f"no link {words!r} on {self.address}: {' '.join(self.text.split())}")

    def send(self, **fields: str) -> None:
        """Send the page's form, with a reason."""
        form = fields_of(self.page) | {"reason": "a drill"} | fields
        action = re.findall('id="drive" action="([^"]*)"', self.page)
        answer = self._client.post(action[0] if action else self.address, form, follow=True)
        assert answer.status_code == 200
        self.clicks += 1
        self.page = answer.content.decode()

    @property
    def text(self) -> str:
        return unescape(re.sub("<[^>]*>", "", self.page))

    def _place(self, beside: str) -> int:
        return max(self.page.find(beside), 0)


class Provider:
    """SMS's provider, which answers as it is told."""

    def __init__(self, outcome: Outcome | None = None) -> None:
        self.outcome = outcome
        self.channel = RecordingChannel(answer=self._answer)

    def _answer(self, outgoing: Outgoing) -> Outcome:
        return self.outcome or Accepted(f"provider-{outgoing.message_id}")


@contextmanager
def answering(outcome: Outcome | None = None) -> Iterator[Provider]:
    """A relay and a clock at work."""
    provider = Provider(outcome)
    Clock("default").tick()
    with running_loop(provider.channel):
        yield provider


def publish(number: int) -> list[OutboxMessage]:
    return [publish_one(RecipientFactory()) for _ in range(number)]


def is_told(name: str) -> bool:
    """Whether a headline leads to this trouble."""
    return any(headline.trouble is TROUBLES[name] for headline in headlines(snapshot()))


def are_sent() -> bool:
    return not OutboxMessage.objects.exclude(status="sent").exists()


def alert_about(name: str) -> str:
    """The page to which the alert's email leads."""
    alerts.evaluate(notifiers.send)
    (told,) = [each.body for each in mail.outbox if f"/runbook/{name}/" in each.body]
    return re.findall(r"What to do: https://example\.org(\S+)", told)[0]


@pytest.fixture(autouse=True)
def _told(settings: Settings) -> None:
    settings.ADMINS, settings.PUBLIC_URL = ["ops@example.com"], "https://example.org"


@pytest.fixture
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    assert reader.clicks <= MOST_CLICKS


def test_it_is_mended_no_relay(reader: Reader) -> None:
    publish(2)
    assert alert_about("no-relay") == "/admin/outbox/runbook/no-relay/"
    reader.open("/admin/outbox/")
    reader.click("What to do", beside="No relay is running")
    assert "manage.py run_outbox_relay" in reader.text
    with answering():
        wait_until(are_sent)
        assert not is_told("no-relay")


def test_it_is_mended_late(reader: Reader) -> None:
    """A relay serves other channels, and none this one."""
    publish(1)
    OutboxMessage.objects.update(next_attempt_at=F("next_attempt_at") - timedelta(hours=1))
    Clock("default").tick()
    with running_loop(RecordingChannel("email")):
        wait_until(Relay.objects.exists)
        assert alert_about("late") == "/admin/outbox/runbook/late/?channel=sms"
        reader.open("/admin/outbox/")
        reader.click("What to do", beside="sms: a message has been due for")
        assert "raise the channel's rate, --concurrency or the number of relays" in reader.text
        reader.click("The messages that wait")
        assert "1 outbox message" in reader.text
        with running_loop(RecordingChannel()):
            wait_until(are_sent)
            assert not is_told("late")


def test_it_is_mended_broken(reader: Reader) -> None:
    with answering(Transient("connect_timeout")) as provider:
        publish(FAILURES)
        wait_until(lambda: is_told("broken"))
        reader.open("/admin/outbox/")
        reader.click("What to do", beside="sms is broken since")
        assert "Nothing: it is tried again by itself." in reader.text
        provider.outcome = None
        wait_until(are_sent, seconds=60)
        assert not is_told("broken")


def test_it_is_mended_refused(reader: Reader) -> None:
    with answering(Transient("twilio_20003", "Authenticate")) as provider:
        publish(FAILURES)
        wait_until(lambda: is_told("refused"))
        assert alert_about("refused") == "/admin/outbox/runbook/refused/?channel=sms"
        reader.open("/admin/outbox/")
        reader.click("What to do", beside="sms is refused since")
        assert "Renew them (TWILIO_AUTH_TOKEN" in reader.text
        reader.click("Stop a relay")
        reader.click("Stop", beside='id="relays"')
        assert "Stop relay" in reader.text
        provider.outcome = None
        wait_until(are_sent, seconds=60)
        assert not is_told("refused")


def test_it_is_mended_paused(reader: Reader) -> None:
    pause_channel.pause("sms", actor="bob", reason="a price that cannot be right")
    (message,) = publish(1)
    reader.open(f"/admin/notifications/outboxmessage/{message.pk}/change/")
    reader.click("What to do", beside="sms is paused")
    reader.click("Resume sms…")
    reader.send()
    with answering():
        wait_until(are_sent)
    assert not is_told("paused")


def test_it_is_mended_failed(reader: Reader) -> None:
    publish(3)
    drain(RecordingChannel(answer=lambda _: Permanent("twilio_21606", "Not a valid sender")))
    assert alert_about("failed") == "/admin/outbox/runbook/failed/?channel=sms"
    reader.open("/admin/outbox/")
    reader.click("What to do", beside="failed in the last 15 minutes")
    assert "Correct the sender (TWILIO_SMS_FROM" in reader.text
    reader.click("Replay them…")
    reader.send()
    reader.send()  # with scripts, the page goes on by itself
    with answering():
        wait_until(are_sent)
    assert not is_told("failed")


def test_it_is_mended_missed(reader: Reader) -> None:
    """One customer's number is wrong."""
    (message,) = publish(1)
    drain(RecordingChannel(answer=lambda _: Permanent("twilio_21211", "Invalid number")))
    reader.open("/admin/outbox/runbook/missed/")
    reader.click("Failed messages")
    reader.click(str(message.pk))
    reader.click("Correct phone number and replay")
    reader.send(address="+14155550123")
    with answering():
        wait_until(are_sent)


def test_it_is_mended_twice(reader: Reader) -> None:
    """The provider takes messages and loses its answers; it cannot be asked."""
    (message,) = publish(1)
    answers = iter([Unknown("connection_reset"), Accepted("a")])
    drain(RecordingChannel(answer=lambda _: next(answers)))
    reader.open(f"/admin/notifications/outboxmessage/{message.pk}/change/")
    assert "connection_reset" in reader.text
    reader.click("What to do", beside="sent_again")
    assert "the provider or the network drops replies" in reader.text
    reader.click("Pause sms…")
    reader.send()
    assert is_told("paused"), "and from there the way is known"


def test_it_is_mended_stale(reader: Reader, hand_relay: Any) -> None:
    """A relay that the machine lets no time."""
    relay = hand_relay()
    relay.let_lease_run_out()
    reader.open("/admin/outbox/")
    reader.click("What to do", beside="has sent no heartbeat for")
    assert "OUTBOX_LEASE_SECONDS" in reader.text
    reader.click("Stop a relay")
    hand_relay().declare_dead(relay)
    assert not is_told("stale")


def test_it_is_mended_snapshot(reader: Reader, settings: Settings, database_url: str) -> None:
    settings.OUTBOX_ALERT_SNAPSHOT_SECONDS = 0.001
    with closing(psycopg.connect(database_url, application_name="a forgotten report")) as forgotten:
        forgotten.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        forgotten.execute("SELECT count(*) FROM notifications_outboxmessage")
        reader.open(alert_about("snapshot"))
        assert "a forgotten report" in reader.text
        (pid,) = re.findall(r'row">(\d+)</th><td>[^<]*a forgotten report', reader.page)
        assert "pg_terminate_backend" in reader.text
        with psycopg.connect(database_url, autocommit=True) as operator:
            operator.execute("SELECT pg_terminate_backend(%s)", [int(pid)])
        wait_until(lambda: not _is_open(database_url))
    Alert.objects.all().delete()


def _is_open(database_url: str) -> bool:
    with psycopg.connect(database_url) as connection:
        open_ones = connection.execute("SELECT FROM pg_stat_activity WHERE application_name = 'a forgotten report'")
        return bool(open_ones.rowcount)


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=lambda trouble: trouble.name)
def test_every_page_says_what_to_do_and_every_link_on_it_leads_somewhere(reader: Reader, trouble: Trouble) -> None:
    reader.open(f"/admin/outbox/runbook/{trouble.name}/?channel=sms&code=twilio_20003")
    ways = re.findall('<a class="outbox-button" href="([^"]*)"', reader.page)
    assert ways
    for way in ways:
        reader.open(unescape(way))


def test_a_provider_that_loses_its_answers_leads_to_what_is_done_about_copies(reader: Reader) -> None:
    reader.open("/admin/outbox/runbook/broken/?channel=email&code=connection_reset")
    reader.click("Messages may come twice")
    reader.click("Pause email…")
    assert reader.address.endswith("/email/pause/")


def test_a_trouble_that_there_is_none_of_and_odd_words_are_no_page_and_no_fault(reader: Reader) -> None:
    client = reader._client
    assert client.get("/admin/outbox/runbook/nothing/").status_code == 404
    odd = client.get("/admin/outbox/runbook/paused/", {"channel": "<script>\x00", "code": "\x00" * 99})
    assert odd.status_code == 200
    assert b"<script>\x00" not in odd.content
