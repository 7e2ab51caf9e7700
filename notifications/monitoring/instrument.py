"""Starts what watches a relay's process, if configured: metrics, health, systemd's watchdog, traces."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Protocol

from notifications import conf
from notifications.monitoring import traces
from notifications.monitoring.liveness import ONE, Liveness
from notifications.monitoring.metrics_server import CannotListen, serving
from notifications.monitoring.systemd import watchdog
from notifications.telemetry import subscribe


@contextmanager
def monitored(
    metrics: tuple[str, int] | None, *, say: Callable[[str], object], loops: Sequence[str] = ONE
) -> Iterator[None]:
    """Watch the relay that runs in this block and thread, or its several `loops`. `metrics` is the address to serve.
    Raises CannotListen.
    """
    with ExitStack() as stack:
        if (notify := watchdog(loops=loops)) is not None:
            stack.callback(subscribe(notify))
        if traces.is_on():
            stack.callback(subscribe(traces.trace_attempt))
        if metrics is not None:
            say(stack.enter_context(_metrics(*metrics, loops=loops)))
        yield


@contextmanager
def _metrics(host: str, port: int, *, loops: Sequence[str]) -> Iterator[str]:
    """Count and serve metrics within this block. Yields a line that says where."""
    try:
        from notifications.monitoring.relay_metrics import RelayMetrics, application  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise CannotListen(f"Metrics need prometheus-client, which is not installed ({error}).") from error
    counted, liveness = RelayMetrics(), Liveness(loops)
    probes = {"/healthz": liveness.is_alive, "/readyz": liveness.is_ready}
    with (
        serving(application(counted), host=host, port=port, token=conf.metrics_token(), probes=probes) as served,
        ExitStack() as stack,
    ):
        stack.callback(subscribe(counted))
        stack.callback(subscribe(liveness))
        yield _served_at(host, served)


class Process(Protocol):
    """One of several relay processes: `read` returns what it serves at a path, or None."""

    number: int

    def read(self, path: str, /) -> str | None: ...


class Fleet(Protocol):
    """Several relay processes under one supervisor."""

    @property
    def workers(self) -> Sequence[Process]: ...

    @property
    def is_stopping(self) -> bool: ...

    def is_healthy(self) -> bool: ...

    def is_ready(self) -> bool: ...


@contextmanager
def watched(
    fleet: Fleet, metrics: tuple[str, int] | None, *, say: Callable[[str], object]
) -> Iterator[Callable[[], None]]:
    """Watch a supervisor's relays: all their metrics at one address, and systemd. Yields what to call all the time.

    Raises CannotListen.
    """
    with ExitStack() as stack:
        if metrics is not None:
            say(stack.enter_context(_fleet_metrics(fleet, *metrics)))
        yield _teller(fleet)


def _teller(fleet: Fleet) -> Callable[[], None]:
    """What tells systemd, each time it is called, that the supervisor lives, and once that it is ready and stopping."""
    if (notify := watchdog()) is None:
        return lambda: None
    told: set[str] = set()

    def tell() -> None:
        is_so = {"relay.started": fleet.is_ready(), "relay.stopping": fleet.is_stopping}
        for event in (event for event, holds in is_so.items() if holds and event not in told):
            told.add(event)
            notify(event, {})
        notify("relay.beat", {})

    return tell


@contextmanager
def _fleet_metrics(fleet: Fleet, host: str, port: int) -> Iterator[str]:
    try:
        from notifications.monitoring.fleet_metrics import application  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise CannotListen(f"Metrics need prometheus-client, which is not installed ({error}).") from error

    def texts() -> dict[int, str]:
        read = {process.number: process.read("/metrics") for process in fleet.workers}
        return {number: text for number, text in read.items() if text is not None}

    def is_ready() -> bool:
        return any(process.read("/readyz") is not None for process in fleet.workers)

    probes = {"/healthz": fleet.is_healthy, "/readyz": is_ready}
    with serving(application(texts), host=host, port=port, token=conf.metrics_token(), probes=probes) as served:
        yield _served_at(host, served)


def _served_at(host: str, port: int) -> str:
    return f"Metrics at http://{host}:{port}/metrics, health at /healthz, readiness at /readyz."
