"""OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT names a collector: a span of every request, from which the outbox's
spans go on. Unset, nothing of it is imported, and requests pass no middleware of it.

A span names the route, not the address: that may hold what a customer or a member of the staff has typed (G12).
"""

import os
from collections.abc import Callable
from typing import Any

from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

from config.environment import refuse

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def is_wanted() -> bool:
    return any(os.environ.get(name) for name in ENDPOINTS)


def configure() -> None:
    """Send spans to the collector in batches, from a thread of this process; what waits is sent at its end."""
    if not is_wanted():
        return
    try:
        from opentelemetry import trace  # noqa: PLC0415  (an extra)
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        refuse(f"{' or '.join(ENDPOINTS)} is set, but OpenTelemetry is not installed (the extra otel).")
    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "bookings")})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


class Traces:
    """Middleware: a span of each request, in the trace that its caller began, if it did."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not is_wanted():
            raise MiddlewareNotUsed
        from opentelemetry import trace  # noqa: PLC0415  (an extra)
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        self._get_response = get_response
        self._kind = trace.SpanKind.SERVER
        self._tracer = trace.get_tracer("config")
        self._propagator = TraceContextTextMapPropagator()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        caller = self._propagator.extract({"traceparent": request.headers.get("traceparent", "")})
        with self._tracer.start_as_current_span(
            request.method or "HTTP",
            context=caller,
            kind=self._kind,
            record_exception=False,  # its words may quote a row
            set_status_on_exception=False,
        ) as span:
            answer = self._get_response(request)
            route = getattr(request.resolver_match, "route", "")
            span.update_name(f"{request.method} /{route}")
            attributes: dict[str, Any] = {
                "http.request.method": request.method,
                "http.route": f"/{route}",
                "http.response.status_code": answer.status_code,
                "request.id": getattr(request, "request_id", ""),
            }
            span.set_attributes(attributes)
        return answer
