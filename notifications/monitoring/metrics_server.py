"""A small HTTP server in the relay's process: `/metrics` for Prometheus, `/healthz` and `/readyz` for an orchestrator.

It runs in its own threads, so it answers even if the loop hangs. /healthz shows whether the loop hangs, /readyz whether
the relay has its database.
"""

import hmac
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class CannotListen(Exception):
    """The address is in use or not this machine's, or prometheus_client is not installed. The message says which."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = 10  # seconds for a client to send its request

    def log_message(self, *_: Any) -> None:
        """Log nothing: a scrape every few seconds is normal."""


@contextmanager
def serving(
    metrics: Application, *, host: str, port: int, probes: Mapping[str, Callable[[], bool]], token: str = ""
) -> Iterator[int]:
    """Serve the application `metrics`, and `probes` by path, within this block; yields the port. Raises CannotListen.

    This machine may read the metrics; others must send `token` as a bearer token. Without a token, no other may.
    """

    def application(environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics" and not _may_read(environ, token):
            return _answer(start, "401 Unauthorized", b"The metrics want METRICS_TOKEN as a bearer token.\n")
        if path == "/metrics":
            return metrics(environ, start)
        if path in probes:
            return _answer(start, *(("200 OK", b"ok\n") if probes[path]() else ("503 Service Unavailable", b"no\n")))
        return _answer(start, "404 Not Found", f"/metrics, {', '.join(probes)}\n".encode())

    try:
        server = make_server(host, port, application, server_class=_Server, handler_class=_Quiet)
    except OSError as error:
        raise CannotListen(f"Cannot listen at {host}:{port}: {error.strerror or error}.") from None
    with server:
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="metrics", daemon=True
        )
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def _may_read(environ: dict[str, Any], token: str) -> bool:
    if ip_address(environ["REMOTE_ADDR"].partition("%")[0]).is_loopback:
        return True
    sent: str = environ.get("HTTP_AUTHORIZATION", "")
    return bool(token) and hmac.compare_digest(sent.encode(), f"Bearer {token}".encode())


def _answer(start: StartResponse, status: str, body: bytes) -> list[bytes]:
    start(status, [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]
