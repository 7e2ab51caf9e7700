"""A hung loop is told from one that waits for its database, and from a listener that goes on without it."""

import threading

import requests
from prometheus_client import CollectorRegistry, make_wsgi_app

from notifications.monitoring.liveness import STUCK_SECONDS, Liveness
from notifications.monitoring.metrics_server import serving


def test_a_loop_that_turned_long_ago_is_stuck() -> None:
    now = 1000.0
    liveness = Liveness(clock=lambda: now)
    assert liveness.is_alive(), "it may take a while to start"
    now += STUCK_SECONDS - 1
    liveness("relay.disconnected", {})
    now += STUCK_SECONDS - 1
    assert liveness.is_alive(), "a database that is away is no reason to restart"
    now += 1
    liveness("message.sent", {})
    assert not liveness.is_alive()
    assert not liveness.is_ready(), "its database is away"
    liveness("relay.beat", {})
    assert liveness.is_alive()
    assert liveness.is_ready()


def test_the_listeners_thread_proves_nothing() -> None:
    now = 0.0
    liveness = Liveness(clock=lambda: now)
    now = STUCK_SECONDS
    listener = threading.Thread(target=liveness, args=("relay.disconnected", {}))
    listener.start()
    listener.join()
    assert not liveness.is_alive()


def test_a_probe_learns_that_it_is_stuck() -> None:
    probes = {"/healthz": lambda: False}
    with serving(make_wsgi_app(CollectorRegistry()), host="127.0.0.1", port=0, probes=probes) as port:
        assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=10).status_code == 503
