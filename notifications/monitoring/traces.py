"""OpenTelemetry: each attempt to send a message continues the trace in which the message was published.

The context travels with the message, as a W3C traceparent. Nothing happens, and nothing is imported, unless the project
has configured a tracer provider. Spans hold ids, codes and names of channels and kinds; never an address, a name or a
text (G12).
"""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

ATTEMPTS = frozenset({"message.sent", "message.retry", "message.failed"})


def is_on() -> bool:
    """Whether the project has configured a tracer provider. If it has, OpenTelemetry's API is imported already."""
    api = sys.modules.get("opentelemetry.trace")
    if api is None:
        return False
    return not isinstance(api.get_tracer_provider(), api.ProxyTracerProvider | api.NoOpTracerProvider)


@contextmanager
def publishing(kind: str, *, channels: int) -> Iterator[str]:
    """A span around writing a kind's messages; yields the traceparent to keep with them, "" where tracing is off."""
    if not is_on():
        yield ""
        return
    from opentelemetry import trace  # noqa: PLC0415  (an extra)
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    attributes: dict[str, str | int] = {"outbox.kind": kind, "outbox.channels": channels}
    tracer = trace.get_tracer("notifications")
    with tracer.start_as_current_span(
        f"publish {kind}",
        kind=trace.SpanKind.PRODUCER,
        attributes=attributes,
        record_exception=False,  # the words of a database's error may quote a row
        set_status_on_exception=False,
    ):
        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier)
        yield carrier.get("traceparent", "")


def trace_attempt(event: str, fields: Mapping[str, Any]) -> None:
    """A telemetry subscriber that makes a span of every attempt, in the trace of its message's publication."""
    if event not in ATTEMPTS or fields.get("answer") is None:
        return
    from opentelemetry import trace  # noqa: PLC0415  (an extra)
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    ended = time.time_ns() - int(fields["ago"] * 1e9)
    parent = TraceContextTextMapPropagator().extract({"traceparent": fields.get("traceparent") or ""})
    span = trace.get_tracer("notifications").start_span(
        f"send {fields['channel']}",
        context=parent,
        kind=trace.SpanKind.CONSUMER,
        start_time=ended - int(fields["seconds"] * 1e9),
        attributes={
            f"outbox.{name}": fields[name]
            for name in ("message", "claim", "channel", "kind", "attempts", "answer", "code")
            if fields[name] is not None
        },
    )
    if fields["answer"] != "accepted":
        span.set_status(trace.StatusCode.ERROR, fields["code"])
    span.end(end_time=ended)
