"""A supervisor hears what its relays say, and who said it."""

import os
import sys
from contextlib import closing

import pytest

from notifications.monitoring.systemd import watchdog
from notifications.relay.life_signs import READY, LifeSigns

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sd_notify is Linux's")


def test_a_relay_is_heard_with_its_process() -> None:
    with closing(LifeSigns()) as signs:
        tell = watchdog({"NOTIFY_SOCKET": signs.address})
        assert tell is not None
        tell("relay.started", {})
        tell("relay.beat", {})
        signs.wait(10)

        (process, ready), (_, alive) = signs.read()

    assert process == os.getpid()
    assert READY in ready
    assert alive == "WATCHDOG=1"


def test_who_has_said_nothing_is_not_waited_for() -> None:
    with closing(LifeSigns()) as signs:
        signs.wait(0)
        assert list(signs.read()) == []
