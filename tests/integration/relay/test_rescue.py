"""A rescue returns all that a dead relay held, says so, and keeps the moment since which an outcome is unknown (G6)."""

from collections.abc import Callable

import pytest

from notifications.models import OutboxMessage
from notifications.relay import rescue
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import HandRelay

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_second_rescue_keeps_the_first_attempts_moment(hand_relay: Callable[..., HandRelay]) -> None:
    message = publish_one(RecipientFactory())
    moments = []
    for _ in range(2):
        lost, heir = hand_relay(), hand_relay()
        assert len(lost.claim()) == 1
        lost.let_lease_run_out()
        heir.declare_dead(lost)
        heir.rescue(lost.lease.relay_id)
        moments.append(OutboxMessage.objects.get(pk=message.pk).unknown_since)
    assert moments[0] == moments[1] is not None


def test_the_log_says_which_relay_is_dead_and_what_it_held(
    hand_relay: Callable[..., HandRelay], caplog: pytest.LogCaptureFixture
) -> None:
    message = publish_one(RecipientFactory())
    lost, heir = hand_relay(), hand_relay()
    lost.claim()
    lost.let_lease_run_out()
    heir.declare_dead(lost)
    heir.rescue(lost.lease.relay_id)
    told = [record.getMessage() for record in caplog.records]
    assert told == [f"relay.declared_dead relay={lost.lease.relay_id}", f"message.rescued message={message.pk}"]


def test_what_a_dead_relay_held_is_returned_batch_by_batch(
    hand_relay: Callable[..., HandRelay], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescue, "BATCH", 2)
    for _ in range(5):
        publish_one(RecipientFactory())
    lost, heir = hand_relay(), hand_relay()
    assert len(lost.claim()) == 5
    lost.let_lease_run_out()
    heir.declare_dead(lost)
    assert heir.rescue(lost.lease.relay_id) == 5
    assert set(OutboxMessage.objects.values_list("status", flat=True)) == {"pending"}
