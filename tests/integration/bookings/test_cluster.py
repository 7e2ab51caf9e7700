"""While the database is away, the cluster has nothing to do: an error would end who looks for tasks, or the guard."""

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


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OperationalError("the server is silent"), "cannot be read just now: the server is silent"),
        (KeyError("a schedule that is not ours"), "KeyError"),
    ],
)
def test_the_guard_outlives_schedules_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception, said: str
) -> None:
    """Nobody starts another: the cluster would be there and do nothing."""

    def fail() -> None:
        raise error

    monkeypatch.setattr(cluster, "_log_foreign_schedules", fail)
    cluster.scheduler()
    assert said in caplog.text
