"""Sets the campaign's stage: database, network, gateway, providers, web, three relays, schedules; and takes it down."""

import json
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import quote

import requests

from config.demo.processes import Child, DidNotStart
from notifications.sandbox.client import SandboxClient
from tests.chaos.cast import Actor
from tests.chaos.citus import Citus
from tests.chaos.database import Database
from tests.chaos.network import Network
from tests.chaos.nursery import Forked, Nursery
from tests.chaos.pair import Pair
from tests.chaos.plan import LEASE_SECONDS, RELAYS, SEND_TIMEOUT_SECONDS
from tests.chaos.providers import Providers, behind

GATEWAY_SECRET = "a secret of the campaign's"
SAYS = {  # by what a kind's messages know
    "title": "{{ title }}",
    "verification": "Code {{ verification }} is {{ verification|code }}",
    "change": "Change {{ change }}",
}
WORDS = ("sms.txt", "whatsapp.txt", "email.txt", "email.html", "subject.txt")
PLENTY = "1000000/min"
ATTEMPTS = 8  # so that the dead letter is no easy way out
MEMORY = Path("/dev/shm")
START_SECONDS = 180.0  # for the web, on a machine that has much else to do
ROOMY_BYTES = 2_000_000_000  # in a container it often is small


class Stage:
    """Everything that runs. Made and used by one thread, with which its processes end.

    With `failover` the database has a standby. `citus` names a schema on Citus that is the database instead. `changes`
    are settings in the place of the campaign's own.
    """

    def __init__(self, *, failover: bool = False, citus: str = "", changes: Mapping[str, str] | None = None) -> None:
        self._changes = changes or {}
        is_roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOMY_BYTES
        self.folder = Path(tempfile.mkdtemp(prefix=f"chaos-{os.getpid()}-", dir=MEMORY if is_roomy else None))
        self.folder.chmod(0o755)
        self.logs = self.folder / "logs"
        self.logs.mkdir()
        self.ledger = self.folder / "ledger.sqlite"
        self._services: list[Child] = []
        self.cast: dict[str, Actor] = {}
        self.pair = Pair(self.folder) if failover else None
        self.database: Database | Pair | Citus = self.pair or (Citus(citus) if citus else Database(self.folder))
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.web = f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def start_services(self) -> None:
        """Everything that the cast relies on."""
        self.database.start()
        self.database.create()
        gateway = self._service("gateway", "-m", "bookings.sandbox", "--port", "0", "--ledger", str(self.ledger))
        any_port = ("--http-port", "0", "--smtp-port", "0")
        stands = [self._service(name, "-m", "notifications.sandbox", *any_port) for name in ("providers", "others")]
        self.gateway = gateway.first_line()["url"]
        self.providers = Providers(*(SandboxClient(**stand.first_line()) for stand in stands))
        roles = ("web", "qcluster", *RELAYS)
        addresses = {f"database:{role}": self.database.socket for role in roles}
        for provider, address in self.providers.addresses().items():
            addresses |= {f"{provider}:{role}": address for role in RELAYS}
        addresses |= {"gateway": self.gateway.partition("://")[2]}
        network = self._service("network", "-m", "tests.chaos.network", json.dumps(addresses))
        self.network = Network(network.first_line())

    def environment(self) -> dict[str, str]:
        """Settings for processes that nobody disturbs."""
        return {
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "DJANGO_SECRET_KEY": "the key of the campaign, long enough to sign with",
            "DJANGO_DEBUG": "0",
            "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
            "DJANGO_SSL_REDIRECT": "0",
            "DATABASE_URL": f"{self.database.url}&options={quote('-c idle_in_transaction_session_timeout=0')}",
            "CHAOS_WORDS": str(self.folder / "words"),
            "CHAOS_SESSIONS": self.database.sessions,
            "PAYMENT_GATEWAY": "sandbox",
            "ALLOW_UNPAID_BOOKINGS": "1",
            "SANDBOX_GATEWAY_URL": self.gateway,
            "SANDBOX_GATEWAY_SECRET": GATEWAY_SECRET,
            "PAYMENT_GATEWAY_TIMEOUT_SECONDS": "2",
            "ORDER_HOLD_SECONDS": "20",
            **self.providers.environment(),
            "OUTBOX_MAX_ATTEMPTS": str(ATTEMPTS),
            "OUTBOX_BACKOFF_SECONDS": "0.5",
            "OUTBOX_DEFERRAL_SECONDS": "0.5",
            "OUTBOX_DEFERRAL_MAX_SECONDS": "4",
            "OUTBOX_BACKOFF_MAX_SECONDS": "4",
            "OUTBOX_LEASE_SECONDS": str(LEASE_SECONDS),
            "OUTBOX_SEND_TIMEOUT_SECONDS": str(SEND_TIMEOUT_SECONDS),
            "OUTBOX_RESCUE": os.environ.get("OUTBOX_RESCUE", "prompt"),
            "API_RATE_ANONYMOUS": PLENTY,
            "API_RATE_USER": PLENTY,
            "API_RATE_VERIFY": PLENTY,
            "API_RATE_TOKEN": PLENTY,
            "API_RATE_CODE": PLENTY,
            **self._changes,
        }

    def write_words(self, samples: Mapping[str, Mapping[str, object]]) -> None:
        """Templates that say a message's kind, and what it is about; `samples` is what each kind's messages know."""
        for kind, sample in samples.items():
            said = next((SAYS[key] for key in SAYS if key in sample), "")
            folder = self.folder / "words" / "notifications" / kind
            folder.mkdir(parents=True)
            for name in WORDS:
                (folder / name).write_text(f"{{% load notifications %}}{kind}: {said}")

    def start_cast(self) -> None:
        """The processes that will be killed; returns when the web answers."""
        bind = f"fd://{self.listening.fileno()}"
        gunicorn = ("-m", "gunicorn", "config.wsgi", "--bind", bind, "--workers", "2", "--threads", "4")
        gunicorn += ("--log-level", "warning", "--no-control-socket", "--graceful-timeout", "5", "--preload")
        self._enter("web", *gunicorn, inherit=(self.listening.fileno(),))
        self.start_relays()
        self._enter("qcluster", "manage.py", "qcluster")
        self.wait_for_web()
        self._tell_webhooks()

    def start_relays(self) -> None:
        """Return once they are on their way."""
        self.nursery = Nursery(self.environment())
        for relay in RELAYS:
            self._enter(relay, "manage.py", "run_outbox_relay", "--grace", "4", "--skip-checks", ends_by=signal.SIGKILL)

    def run(self, name: str, *command: str) -> Child:
        """Start something that ends by itself."""
        return Child(name, list(command), environment=self.environment(), log=self.logs / f"{name}.log")

    def close(self, *, keep_logs: bool) -> None:
        """End everything, whatever state it is in."""
        for actor in self.cast.values():
            actor.end()
        for service in reversed(self._services):
            service.stop()
        self.listening.close()
        if hasattr(self, "nursery"):
            self.nursery.close()
        if hasattr(self, "network"):
            self.network.close()
        if hasattr(self, "providers"):
            self.providers.close()
        self.database.close()
        if not keep_logs:
            shutil.rmtree(self.folder, ignore_errors=True)

    def start_customers(self, wish: dict[str, object]) -> Child:
        """The load."""
        return self._service("customers", "-m", "tests.chaos.load", json.dumps(wish))

    def _service(self, name: str, *command: str) -> Child:
        environment = {"SANDBOX_GATEWAY_SECRET": GATEWAY_SECRET}
        child = Child(name, list(command), environment=environment, log=self.logs / f"{name}.log")
        self._services.append(child)
        return child

    def _enter(
        self,
        name: str,
        *command: str,
        inherit: tuple[int, ...] = (),
        ends_by: signal.Signals = signal.SIGTERM,
    ) -> None:
        port = self.network.port
        changes = {
            "DATABASE_URL": f"postgresql://{self.database.login}@127.0.0.1:{port(f'database:{name}')}/{self.database.name}",
            "SANDBOX_GATEWAY_URL": f"http://127.0.0.1:{port('gateway')}",
        }
        nursery = None
        if name in RELAYS:
            nursery = self._nursery_of(name, command[2:])
            changes |= self._behind_links(name)
        self.cast[name] = Actor(
            name,
            *command,
            environment=self.environment() | changes,
            logs=self.logs,
            inherit=inherit,
            ends_by=ends_by,
            nursery=nursery,
        )
        self.cast[name].start()

    def _nursery_of(self, name: str, arguments: tuple[str, ...]) -> Callable[..., Forked]:
        """Forks relays of this name, on their own links."""
        settings, port = self._behind_links(name), self.network.port(f"database:{name}")
        return partial(self.nursery.relay, *arguments, settings=settings, port=port)

    def _behind_links(self, name: str) -> dict[str, str]:
        """Where the relay of this name finds the providers."""
        return behind(lambda provider: self.network.port(f"{provider}:{name}"))

    def wait_for_web(self) -> None:
        """Return when it answers. Raises DidNotStart."""
        self._wait(lambda: requests.get(f"{self.web}/healthz", timeout=30).ok, "The web does not answer.")

    def _tell_webhooks(self) -> None:
        """Every payment is told to the shop as well as reported by its customer."""
        url = f"{self.web}/webhooks/payments/sandbox/"
        requests.post(f"{self.gateway}/_sandbox/webhook", json={"url": url}, timeout=10).raise_for_status()

    def _wait(self, condition: Callable[[], object], words: str) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            for actor in self.cast.values():
                if actor.exit_code is not None:
                    raise DidNotStart(f"{actor.name} ended; see {self.logs / actor.name}.log")
            try:
                if condition():
                    return
            except requests.RequestException:
                time.sleep(0.1)
        raise DidNotStart(words)
