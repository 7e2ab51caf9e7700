"""deploy/nginx: a configuration that nginx takes, and that lets no client say who it is."""

import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests

from bookings.models import Booking
from tests.deployment.conftest import ROOT
from tests.stage.bouncer import free_port, is_listening
from tests.stage.customers import who_have_paid
from tests.stage.gateway import SECRET, GatewayProcess
from tests.stage.waiting import wait_until
from tests.stage.web import running_web

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
pytestmark = pytest.mark.skipif(NGINX is None or shutil.which("openssl") is None, reason="nginx or openssl is missing")
AROUND = """\
daemon off;
pid {folder}/pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/bookings.conf;
}}
"""

# What a test says of its client's address, nginx takes for it.
CLIENTS = "set_real_ip_from 127.0.0.1;\nreal_ip_header X-Client;\n"


class Behind(BaseHTTPRequestHandler):
    """The application's place: keeps the headers that come through."""

    seen: list[dict[str, str]] = []

    def do_GET(self) -> None:
        Behind.seen.append(dict(self.headers))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@pytest.fixture
def application() -> Iterator[int]:
    Behind.seen.clear()
    with HTTPServer(("127.0.0.1", 0), Behind) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for this machine, and its key."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@pytest.fixture
def get(tmp_path: Path, application: int, certificate: tuple[Path, Path]) -> Iterator[Callable[..., requests.Response]]:
    """Asks the application through nginx, configured as deployed but for ports, paths and the certificate."""
    port, folder = free_port(), ROOT / "deploy" / "nginx"
    text = (folder / "bookings.conf").read_text()
    for there, here in {
        "/etc/letsencrypt/live/bookings.example.com/fullchain.pem": str(certificate[0]),
        "/etc/letsencrypt/live/bookings.example.com/privkey.pem": str(certificate[1]),
        "127.0.0.1:8000": f"127.0.0.1:{application}",
        "    listen [::]:80;\n": "",
        "    listen [::]:443 ssl http2;\n": "",
        "listen 80;": f"listen 127.0.0.1:{free_port()};",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "include bookings_proxy.conf": f"include {folder / 'bookings_proxy.conf'}",
    }.items():
        assert there in text
        text = text.replace(there, here)
    (tmp_path / "bookings.conf").write_text(CLIENTS + text)
    (tmp_path / "nginx.conf").write_text(AROUND.format(folder=tmp_path))
    with running(tmp_path, port), requests.Session() as session:
        session.trust_env = False  # a bundle of authorities in the environment would win over ours
        session.verify = str(certificate[0])
        yield lambda path, **headers: session.get(f"https://127.0.0.1:{port}{path}", headers=headers, timeout=10)


@contextmanager
def running(folder: Path, port: int) -> Iterator[None]:
    """nginx, with the configuration in `folder`, until the block ends."""
    assert NGINX is not None
    command = [NGINX, "-c", str(folder / "nginx.conf"), "-p", str(folder)]
    with (folder / "said").open("w") as said, subprocess.Popen(command, stderr=said) as process:
        try:
            wait_until(lambda: process.poll() is not None or is_listening(port), seconds=10)
            assert process.poll() is None, (folder / "said").read_text()
            yield
        finally:
            process.terminate()


def test_a_client_cannot_say_who_it_is(get: Callable[..., requests.Response]) -> None:
    forged = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "http", "X-Request-ID": "forged"}
    answer = get("/api/slots/", **forged)

    assert answer.status_code == 200
    assert Behind.seen[-1]["X-Forwarded-For"] == "127.0.0.1"
    assert Behind.seen[-1]["X-Forwarded-Proto"] == "https"
    assert Behind.seen[-1]["X-Request-ID"] != "forged"


@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
def test_what_monitors_ask_is_not_for_everybody(get: Callable[..., requests.Response], path: str) -> None:
    assert get(path).status_code == 404


@pytest.mark.parametrize(
    ("addresses", "is_one_client"),
    [
        ("192.0.2.7", True),
        ("192.0.2.{}", False),
        ("2001:db8:1:2::{:x}", True),
        ("2001:db8:1:2:0:{:x}:3:4", True),
        ("2001:db8::{:x}:1:2:3", True),
        ("2001:db8::{:x}:0:1:2:3", False),
        ("2001:db8:1:{:x}::1", False),
        ("::ffff:192.0.2.{}", False),
    ],
)
def test_nginx_counts_an_ipv6_network_as_one_client(
    get: Callable[..., requests.Response], addresses: str, is_one_client: bool
) -> None:
    statuses = [get("/", **{"X-Client": addresses.format(number)}).status_code for number in range(1, 121)]

    assert set(statuses) == ({200, 429} if is_one_client else {200})


def test_webhooks_come_through(get: Callable[..., requests.Response]) -> None:
    assert get("/webhooks/payments/stripe/").status_code == 200


SLOW = 200
HALF_A_HEADER = b"GET /api/slots/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "


@pytest.mark.django_db(transaction=True)
def test_two_hundred_slow_connections_keep_nobody_from_booking(
    tmp_path: Path, database_url: str, payment_gateway: GatewayProcess
) -> None:
    """The proxy of docker-compose.yml in front of the web. Without it ten such hold all threads."""
    port = free_port()
    environment = {"SANDBOX_GATEWAY_URL": payment_gateway.url, "SANDBOX_GATEWAY_SECRET": SECRET, "DJANGO_PROXIES": "1"}
    with running_web(DATABASE_URL=database_url, **environment) as web, ExitStack() as slow:
        text = (ROOT / "deploy" / "nginx" / "compose.conf").read_text()
        for there, here in {"web:8000": web.removeprefix("http://"), "listen 8080": f"listen 127.0.0.1:{port}"}.items():
            assert there in text
            text = text.replace(there, here)
        (tmp_path / "bookings.conf").write_text(text)
        (tmp_path / "nginx.conf").write_text(AROUND.format(folder=tmp_path))
        slow.enter_context(running(tmp_path, port))
        waiting = [slow.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(SLOW)]
        for connection in waiting:
            connection.sendall(HALF_A_HEADER)
        with who_have_paid(payment_gateway.url, f"http://127.0.0.1:{port}", number=10) as calls:
            for verify in calls:
                verify()
        for connection in waiting:
            connection.sendall(b"x")  # still open: each drips on
    assert Booking.objects.count() == 10
