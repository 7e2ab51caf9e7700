"""While the database is away, the cluster's queue is empty: an error would end whoever asks, after ten seconds."""

from typing import Any

import pytest
from django.db import OperationalError
from django_q.brokers.orm import ORM

from bookings import cluster

pytestmark = pytest.mark.django_db


def test_a_queue_that_cannot_be_read_is_asked_again_soon(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(broker: ORM) -> Any:
        raise OperationalError("the server is silent")

    pauses: list[float] = []
    monkeypatch.setattr(cluster, "sleep", pauses.append)
    with monkeypatch.context() as lost:
        lost.setattr(ORM, "dequeue", away)
        assert cluster.Broker().dequeue() == []
    assert pauses == [cluster.AWAY_SECONDS]
    assert "cannot be read just now: the server is silent" in caplog.text
