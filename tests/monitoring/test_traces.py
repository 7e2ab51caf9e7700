"""The trace of the request that paid goes on in the relay's attempt, and holds nothing personal."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.db import transaction
from django.test import Client
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from config.tracing import Traces
from notifications import telemetry
from notifications.lifecycle import Outcome, Permanent
from notifications.models import OutboxMessage
from notifications.monitoring import traces
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parent.parent.parent
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Tracing is on, into memory."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    unsubscribe = telemetry.subscribe(traces.trace_attempt)
    yield exporter
    unsubscribe()


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def test_an_attempt_belongs_to_the_trace_of_its_publication(spans: InMemorySpanExporter) -> None:
    recipient = RecipientFactory()
    with trace.get_tracer("a request").start_as_current_span("POST /pay"):
        message = publish_one(recipient, name="Zdenka")
    drain(RecordingChannel())
    named = by_name(spans)
    request, publication, attempt = (named[name] for name in ("POST /pay", "publish test.greeting", "send sms"))
    assert publication.parent
    assert publication.parent.span_id == request.context.span_id
    assert attempt.parent
    assert attempt.parent.span_id == publication.context.span_id
    assert attempt.context.trace_id == request.context.trace_id
    assert 0 < (publication.start_time or 0) < (attempt.start_time or 0) < (attempt.end_time or 0)
    assert attempt.attributes
    assert attempt.attributes["outbox.message"] == message.pk
    assert attempt.attributes["outbox.answer"] == "accepted"
    assert attempt.status.status_code is trace.StatusCode.UNSET
    written = "".join(span.to_json() for span in spans.get_finished_spans())
    assert not [each for each in ("Zdenka", recipient.phone, recipient.email) if each in written]


def test_every_attempt_has_a_span_and_those_that_fail_say_so(spans: InMemorySpanExporter) -> None:
    message = publish_one(RecipientFactory())
    answers: Iterator[Outcome] = iter([Permanent("twilio_21211", "No.")])
    drain(RecordingChannel(answer=lambda _: next(answers)))
    attempt = by_name(spans)["send sms"]
    assert attempt.status.status_code is trace.StatusCode.ERROR
    assert attempt.status.description == "twilio_21211"
    assert f"00-{attempt.context.trace_id:032x}-" in OutboxMessage.objects.get(pk=message.pk).traceparent


def test_a_publication_that_fails_leaves_no_words_in_its_span(spans: InMemorySpanExporter) -> None:
    recipient = RecipientFactory()
    with pytest.raises(Exception, match="reference"), transaction.atomic():
        publish_one(recipient, reference="Zdenka " * 30)
    assert not [span for span in spans.get_finished_spans() if span.events]


def test_off_it_costs_a_look_and_stores_nothing() -> None:
    assert not traces.is_on()
    assert publish_one(RecipientFactory()).traceparent == ""
    assert OutboxMessage.objects.get().traceparent == ""


def test_the_middleware_is_not_there_unless_a_collector_is_named(client: Client) -> None:
    assert "config.tracing.Traces" in project.MIDDLEWARE
    client.get("/healthz")
    handler: Any = client.handler._middleware_chain
    assert not isinstance(handler, Traces)


class Collector(BaseHTTPRequestHandler):
    """Takes what the OTLP exporter posts."""

    spans: list[Any] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.spans.extend(span for scope in resource.scope_spans for span in scope.spans)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def collecting() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


REQUEST = f"""
import django; django.setup()
from django.test import Client
Client().get("/slots/123/", {{"name": "Zdenka"}}, headers={{"traceparent": "{CALLER}"}})
"""


def test_spans_reach_a_collector_over_http(database_url: str) -> None:
    with collecting() as endpoint:
        environment = {
            "DATABASE_URL": database_url,
            "DJANGO_DEBUG": "1",
            "DJANGO_ALLOWED_HOSTS": "testserver",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        }
        subprocess.run([sys.executable, "-c", REQUEST], cwd=ROOT, env=os.environ | environment, check=True, timeout=60)
    (span,) = Collector.spans
    assert span.trace_id.hex() == CALLER.split("-")[1], "the caller's trace goes on"
    assert span.name == "GET /slots/<int:pk>/"
    assert "Zdenka" not in str(span)
    told = {each.key: str(each.value) for each in span.attributes}
    del told["request.id"]  # random, as the span's own numbers and times are: any digits may be in them
    assert "123" not in str([told, span.status, span.events])
