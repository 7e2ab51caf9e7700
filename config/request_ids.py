"""One id for each request, in its answer (X-Request-ID) and in every line of the log that is written on its behalf;
each message that it publishes keeps it too.

A sane id that the client or a proxy in front sends is kept, so that one search finds a request in all logs.
"""

import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

from notifications.origin import coming_from

HEADER = "X-Request-ID"
SANE = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}", re.ASCII)  # nothing that could break a line of the log

current: ContextVar[str] = ContextVar("request_id", default="-")


class RequestIds:
    """Middleware, the outermost: it gives the request its id."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = request.headers.get(HEADER, "")
        request_id = sent if SANE.fullmatch(sent) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        token = current.set(request_id)
        try:
            with coming_from(f"request {request_id}"):
                answer = self._get_response(request)
        finally:
            current.reset(token)
        answer[HEADER] = request_id
        return answer


class WithRequestId(logging.Filter):
    """Adds `request_id` to a log record; "-" outside of requests.

    Django logs a refusal after its middleware is done, with the request attached.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = getattr(getattr(record, "request", None), "request_id", current.get())
        return True
