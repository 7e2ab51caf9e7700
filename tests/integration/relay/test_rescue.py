"""A rescue keeps the moment since which an outcome is unknown: the provider is asked from there on (G6)."""

from collections.abc import Callable

import pytest

from notifications.models import OutboxMessage
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
