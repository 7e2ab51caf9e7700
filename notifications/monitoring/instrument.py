"""Starts what watches a relay's process, if configured: metrics, health, systemd's watchdog, traces."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Protocol

from notifications import conf
from notifications.monitoring import traces
from notifications.monitoring.liveness import Liveness
from notifications.monitoring.metrics_server import CannotListen, serving
from notifications.monitoring.systemd import watchdog
from notifications.telemetry import subscribe


@contextmanager
def monitored(metrics: tuple[str, int] | None, *, say: Callable[[str], object]) -> Iterator[None]:
    """Watch the relay that runs in this block and thread. `metrics` is the address to serve. Raises CannotListen."""
    with ExitStack() as stack:
        if (notify := watchdog()) is not None:
            stack.callback(subscribe(notify))
        if traces.is_on():
            stack.callback(subscribe(traces.trace_attempt))
        if metrics is not None:
            say(stack.enter_context(_metrics(*metrics)))
        yield


@contextmanager
def _metrics(host: str, port: int) -> Iterator[str]:
    """Count and serve metrics within this block. Yields a line that says where."""
    try:
        from notifications.monitoring.relay_metrics import RelayMetrics, application  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise CannotListen(f"Metrics need prometheus-client, which is not installed ({error}).") from error
    counted, liveness = RelayMetrics(), Liveness()
    with (
        serving(
            application(counted), host=host, port=port, token=conf.metrics_token(), is_healthy=liveness.is_alive
        ) as served,
        ExitStack() as stack,
    ):
        stack.callback(subscribe(counted))
        stack.callback(subscribe(liveness))
        yield f"Metrics at http://{host}:{served}/metrics, health at /healthz."


class Process(Protocol):
    """One of several relay processes: `read` returns what it serves at a path, or None."""

    number: int

    def read(self, path: str, /) -> str | None: ...


class Fleet(Protocol):
    """Several relay processes under one supervisor."""

    @property
    def workers(self) -> Sequence[Process]: ...

    def is_healthy(self) -> bool: ...


@contextmanager
def watched(
    fleet: Fleet, metrics: tuple[str, int] | None, *, say: Callable[[str], object]
) -> Iterator[Callable[[], None]]:
    """Watch a supervisor's relays: all their metrics at one address, and systemd. Yields what to call all the time.

    Raises CannotListen.
    """
    notify = watchdog()
    with ExitStack() as stack:
        if metrics is not None:
            say(stack.enter_context(_fleet_metrics(fleet, *metrics)))
        if notify is None:
            yield lambda: None
            return
        notify("relay.started", {})
        yield lambda: notify("relay.beat", {})
        notify("relay.stopping", {})


@contextmanager
def _fleet_metrics(fleet: Fleet, host: str, port: int) -> Iterator[str]:
    try:
        from notifications.monitoring.fleet_metrics import application  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise CannotListen(f"Metrics need prometheus-client, which is not installed ({error}).") from error

    def texts() -> dict[int, str]:
        read = {process.number: process.read("/metrics") for process in fleet.workers}
        return {number: text for number, text in read.items() if text is not None}

    with serving(
        application(texts), host=host, port=port, token=conf.metrics_token(), is_healthy=fleet.is_healthy
    ) as served:
        yield f"Metrics at http://{host}:{served}/metrics, health at /healthz."
