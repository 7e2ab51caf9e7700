"""/metrics: what it says is what the database holds; who may read it; what it costs with much waiting."""

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from notifications.lifecycle import Permanent
from notifications.monitoring.outbox_metrics import registry
from notifications.operations import pause_channel
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RecordingChannel, drain, running_loop
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

BEARER = {"Authorization": "Bearer a-token-of-prometheus"}


def scraped(client: Client) -> dict[str, float]:
    answer = client.get("/metrics", headers=BEARER)
    assert answer.status_code == 200
    return {
        f"{sample.name}{{{','.join(f'{name}={value}' for name, value in sorted(sample.labels.items()))}}}": sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


@pytest.fixture
def client(settings: Settings) -> Client:
    settings.METRICS_TOKEN = "a-token-of-prometheus"
    return Client()


def test_it_says_what_waits_what_happened_and_how_the_channels_are(client: Client) -> None:
    failed, first, _ = (publish_one(recipient) for recipient in [RecipientFactory(), *[RecipientFactory()] * 2])
    answers = {failed.pk: Permanent("twilio_21211", "No.")}
    sms = RecordingChannel(
        answer=lambda outgoing: answers.get(outgoing.message_id) or RecordingChannel()._answer(outgoing)
    )
    drain(sms)
    waiting = [publish_one(first.recipient) for _ in range(2)]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE notifications_outboxmessage SET next_attempt_at = now() - interval '90 seconds' WHERE id = %s",
            [waiting[0].pk],
        )
    pause_channel.pause("sms", actor="ann", reason="a test")
    seen = scraped(client)
    assert seen["outbox_messages{status=sent}"] == 2
    assert seen["outbox_messages{status=failed}"] == 1
    assert seen["outbox_waiting_messages{channel=sms,state=due}"] == 1
    assert seen["outbox_waiting_messages{channel=sms,state=queued}"] == 1
    assert 90 <= seen["outbox_oldest_due_seconds{channel=sms}"] < 120
    assert seen["outbox_oldest_due_seconds{channel=email}"] == 0
    assert seen["outbox_recorded_ends_total{channel=sms,status=sent}"] == 2
    assert seen["outbox_recorded_ends_total{channel=sms,status=failed}"] == 1
    assert seen["outbox_recorded_attempts_total{answer=accepted,channel=sms}"] == 2
    assert seen["outbox_recorded_attempts_total{answer=unknown,channel=email}"] == 0
    assert (seen["outbox_channel_state{channel=sms,state=paused}"], seen["outbox_relays{}"]) == (1, 0)
    assert seen["outbox_channel_state{channel=email,state=open}"] == 1


def test_it_says_which_relays_are_heard(client: Client) -> None:
    with running_loop(RecordingChannel()):
        wait_until(lambda: scraped(client)["outbox_relays{}"] == 1)
        ages = [
            value for name, value in scraped(client).items() if name.startswith("outbox_relay_heartbeat_age_seconds")
        ]
    assert len(ages) == 1
    assert ages[0] < 5


def test_nobody_else_reads_it(client: Client, settings: Settings) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTpi"}):
        answer = client.get("/metrics", headers=headers)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 401, "unset is no password"
    member = User.objects.create_user("ann", is_staff=True)
    client.force_login(member)
    assert client.get("/metrics").status_code == 401
    member.user_permissions.add(Permission.objects.get(codename="view_outboxmessage"))
    assert client.get("/metrics").status_code == 200
    assert client.post("/metrics").status_code == 405


def test_nothing_is_counted_in_the_web_process(client: Client) -> None:
    """Else each of gunicorn's workers would tell another story."""
    publish_one(RecipientFactory())
    first = scraped(client)
    assert scraped(client)["outbox_messages{status=pending}"] == first["outbox_messages{status=pending}"] == 1


def test_a_scrape_reads_no_large_table_to_its_end(client: Client) -> None:
    recipient = RecipientFactory()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO notifications_outboxmessage (recipient_id, lane, kind, channel, context, dedupe_key,"
            " reference, status, finished_at) SELECT %s, '', 'test.greeting', 'sms', '{}', '', '', 'sent', now()"
            " FROM generate_series(1, 300000)",
            [recipient.pk],
        )
        cursor.execute("ANALYZE notifications_outboxmessage")
        with CaptureQueriesContext(connection) as captured:
            seen = scraped(client)
        for query in captured.captured_queries:
            if query["sql"].lstrip().upper().startswith(("SELECT", "WITH")):
                cursor.execute("EXPLAIN " + query["sql"].replace("%", "%%"))
                plan = "\n".join(row[0] for row in cursor.fetchall())
                assert "Seq Scan on notifications_outboxmessage" not in plan, query["sql"]
    assert seen["outbox_messages{status=sent}"] == pytest.approx(300_000, rel=0.05)


def test_its_registry_reads_nothing_until_it_is_asked(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        registry()
