"""A web server in this process that answers in JSON, over real HTTP: what the gateways' stand-ins are made of."""

import contextlib
import json
import re
import secrets
import string
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

Answer = tuple[int, dict[str, Any]]
Route = tuple[str, str, Callable[..., Answer]]


class Fake:
    """The stand-in of one gateway: `routes` are (method, pattern, what answers it); counts the calls of each.

    What answers is called with the body's text, the headers and the pattern's groups. `interruptions` are answered
    instead, first one first: a status, or None for no answer at all. `delay` in seconds comes before each answer;
    what `drips` ("headers" or "body") comes byte by byte.
    """

    def __init__(self) -> None:
        self.url = ""
        self.calls: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.interruptions: list[int | None] = []
        self.is_down = False
        self.delay = 0.0
        self.drips = ""
        self.connections = 0
        self.lock = threading.Lock()

    def routes(self) -> list[Route]:
        raise NotImplementedError

    def answer(self, method: str, path: str, body: str, headers: dict[str, str]) -> Answer | None:
        with self.lock:
            self.calls[method] += 1
            self.headers.append(headers)
            if self.is_down:
                return 503, {"error": {"description": "down", "message": "down"}}
            status = self.interruptions.pop(0) if self.interruptions else 200
            if status is None:
                return None
            if status != 200:
                return status, {"error": {"description": "not now", "message": "not now"}}
            for wanted, pattern, handle in self.routes():
                if wanted == method and (match := re.fullmatch(pattern, path)):
                    return handle(body, headers, *match.groups())
        return 404, {"error": {"description": "no such address", "message": "no such address"}}

    @contextmanager
    def serving(self) -> Iterator[None]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": self}))
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join(timeout=10)
            server.server_close()


def new_id(prefix: str) -> str:
    return prefix + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(14))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: ClassVar[Fake]

    def setup(self) -> None:
        super().setup()
        self.fake.connections += 1

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        path = self.path.partition("?")[0]
        answer = self.fake.answer(self.command, path, body, {k.lower(): v for k, v in self.headers.items()})
        if answer is None:
            self.close_connection = True
            return
        time.sleep(self.fake.delay)
        status, document = answer
        content = json.dumps(document).encode()
        with contextlib.suppress(OSError):  # who asked may have gone
            if self.fake.drips == "headers":
                self._drip(b"HTTP/1.1 200 OK\r\nX-Padding: " + b"x" * 200)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            (self._drip if self.fake.drips else self.wfile.write)(content)

    def _drip(self, content: bytes) -> None:
        for byte in content:
            self.wfile.write(bytes([byte]))
            time.sleep(0.02)

    do_GET = do_POST = _serve  # noqa: N815  (the server's names)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
