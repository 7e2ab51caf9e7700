"""What prune deletes with a message: all that the outbox keeps about it, and what another app's models ask for."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db.models import DO_NOTHING
from django.db.models.signals import pre_delete
from django.utils import timezone

from notifications.models import DeliveryAttempt, MessageReference, OutboxMessage, PlannedFallback, Receipt
from notifications.models.repeat import Repeat
from notifications.operations.prune import prune
from notifications.protocol.sql_prune import DELETE_MESSAGES
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def messages() -> list[OutboxMessage]:
    """Four that were sent, each with all that can be known of one. The first stands in for the last, which stays."""
    recipient = RecipientFactory()
    written = [publish_one(recipient, reference=f"booking:{number}") for number in range(4)]
    drain(RecordingChannel())
    for number, message in enumerate(written):
        before = written[number - 1]
        Receipt.objects.get_or_create(message=message, provider_id="1", status="delivered")
        PlannedFallback.objects.create(message=message, channel="email", substitute=before)
        Repeat.objects.create(message=message, original=before)
    OutboxMessage.objects.filter(pk=written[3].pk).update(finished_at=timezone.now() + timedelta(days=1))
    return written


@pytest.fixture
def told() -> Iterator[list[int]]:
    """The messages of whose deletion somebody's code was told."""
    heard: list[int] = []

    def hear(instance: OutboxMessage, **_: object) -> None:
        heard.append(instance.pk)

    pre_delete.connect(hear, sender=OutboxMessage)
    yield heard
    pre_delete.disconnect(hear, sender=OutboxMessage)


def check_that_only(kept: OutboxMessage) -> None:
    assert OutboxMessage.objects.get() == kept
    for model in (DeliveryAttempt, MessageReference, Receipt, PlannedFallback):
        assert model._default_manager.get().message_id == kept.pk, model
    assert PlannedFallback.objects.get().substitute is None
    assert not Repeat.objects.exists(), "its original is gone"


def test_all_that_is_known_of_a_message_goes_with_it(messages: list[OutboxMessage]) -> None:
    assert prune(timezone.now()).total == 3
    check_that_only(messages[3])


def test_who_listens_is_told_of_each(messages: list[OutboxMessage], told: list[int]) -> None:
    assert prune(timezone.now()).total == 3
    assert sorted(told) == [message.pk for message in messages[:3]]
    check_that_only(messages[3])


def test_the_statement_knows_every_table_that_refers_to_messages() -> None:
    for relation in OutboxMessage._meta.related_objects:
        if relation.on_delete is not DO_NOTHING and relation.related_model._meta.app_label == "notifications":
            assert f"{relation.field.column} = ANY" in DELETE_MESSAGES, relation
            assert f" {relation.related_model._meta.db_table} " in DELETE_MESSAGES.replace("\n", " "), relation
            assert not relation.related_model._meta.related_objects, "what refers to it would stay"
