"""A provider that still works on a request whose relay was killed: its message is found, and not sent a second time."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from notifications import conf
from notifications.channels.asking import VISIBLE_SECONDS
from notifications.models import OutboxMessage, Relay
from notifications.relay.rescue import SETTLED_SESSION_SECONDS
from notifications.sandbox.client import SandboxClient
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RelayProcess
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[..., RelayProcess]

# It may not give up and ask the provider itself before it is killed, however long its heir takes to come up.
PATIENT = {"OUTBOX_SEND_TIMEOUT_SECONDS": "90", "OUTBOX_LEASE_SECONDS": "180"}


class SlowProvider:
    """In front of the sandbox: hands on the first send only after the list was asked for, though its sender is gone."""

    def __init__(self, sandbox_url: str) -> None:
        self.address = urlsplit(sandbox_url).netloc
        self.holds, self.was_asked = threading.Event(), threading.Event()
        slow = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not slow.holds.is_set():
                    slow.holds.set()
                    slow.was_asked.wait(60)
                self._hand_on(body)

            def do_GET(self) -> None:
                self._hand_on(None)
                slow.was_asked.set()

            def _hand_on(self, body: bytes | None) -> None:
                sandbox = HTTPConnection(slow.address, timeout=30)
                with contextlib.closing(sandbox), contextlib.suppress(OSError):  # who asked may be gone
                    sandbox.request(self.command, self.path, body, dict(self.headers))
                    answer = sandbox.getresponse()
                    content = answer.read()
                    self.send_response(answer.status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def slow(providers: SandboxClient) -> Iterator[SlowProvider]:
    provider = SlowProvider(providers.http_url)
    thread = threading.Thread(target=provider.server.serve_forever)
    thread.start()
    yield provider
    provider.was_asked.set()
    provider.server.shutdown()
    thread.join()
    provider.server.server_close()


def age_of(relay: RelayProcess) -> float:
    """Seconds from its start to its last heartbeat, by the database's clock."""
    row = Relay.objects.filter(pid=relay.process.pid).first()
    return (row.heartbeat_at - row.started_at).total_seconds() if row else 0.0


@pytest.mark.skipif(conf.rescue() == "lease", reason="the lease would have to run out first")
def test_a_killed_relays_slow_send_is_found_before_it_is_repeated(
    relay_process: Start, providers: SandboxClient, slow: SlowProvider
) -> None:
    """The claim is old when the doubt arises: the list gets its seconds from then on."""
    message = publish_one(RecipientFactory())
    doomed = relay_process(TWILIO_API_URL=slow.url, **PATIENT)
    wait_until(slow.holds.is_set)
    heir = relay_process(TWILIO_API_URL=slow.url)
    wait_until(lambda: age_of(heir) > max(VISIBLE_SECONDS, SETTLED_SESSION_SECONDS) + 1.0)
    assert providers.messages() == [], "the provider still works on it"
    doomed.signal(signal.SIGKILL)
    wait_until(lambda: OutboxMessage.objects.filter(pk=message.pk, status="sent"))

    (received,) = providers.messages()
    message.refresh_from_db()
    assert message.provider_id == received.sid
    history = message.deliveries.order_by("claim_number").values_list("answer", "code")
    assert list(history) == [("unknown", "relay_lost"), ("accepted", "adopted")]
    heir.signal(signal.SIGTERM)
    assert heir.wait()[0] == 0
