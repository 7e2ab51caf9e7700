"""Starts what watches a relay's process, if configured: metrics, health, systemd's watchdog, traces."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

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
