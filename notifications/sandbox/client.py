"""A client of the sandbox's control API: reads what it received, tells it how to answer, and can start one."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from notifications.sandbox import AUTH_TOKEN

TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One message as a client handed it over. `body` is an email's text part, too."""

    sequence: int
    received_at: datetime
    ended_at: datetime | None  # when it was answered or its connection was gone; None while it lasts
    channel: str
    to: str
    sender: str
    accepted: bool
    answered: int | None  # the HTTP status or SMTP code; None when the connection was cut instead
    client_port: int
    body: str
    sid: str = ""
    price: str | None = None  # what the provider charges for it, in USD; None: nothing
    segments: int = 0
    parameters: Mapping[str, str] = field(default_factory=dict)
    subject: str = ""
    html: str = ""
    message_id: str = ""
    outbox_id: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    files: Sequence[Mapping[str, Any]] = ()  # of an email: name, type, bytes (how many)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        known = {name: value for name, value in document.items() if name in _FIELDS}
        moments = {
            name: document[name] and datetime.fromisoformat(document[name]) for name in ("received_at", "ended_at")
        }
        return cls(**known | moments | {"sender": document["from"]})


_FIELDS = {each.name for each in fields(Received)}


class SandboxClient:
    """The control API of the sandbox at `http_url`. Raises requests.RequestException."""

    auth_token = AUTH_TOKEN

    def __init__(self, *, http_url: str, email_url: str, account_sid: str) -> None:
        self.http_url = http_url
        self.email_url = email_url
        self.account_sid = account_sid
        self._session = requests.Session()
        self._session.trust_env = False  # never use a proxy for this machine

    def messages(self, *, since: int = 0) -> list[Received]:
        """All that was received after the sequence number `since`, refused or not, in order."""
        received: list[Received] = []
        while True:
            answer = self._call("GET", f"messages?since={since}")
            if not answer["messages"]:
                return received
            received += map(Received.from_json, answer["messages"])
            since = answer["last"]

    def add_rule(
        self,
        *,
        channel: str = "",
        to: str = "",
        body: str = "",
        times: int | None = None,
        probability: float = 1.0,
        seed: int = 0,
        **answer: Any,
    ) -> None:
        """Answer messages to `to` whose text contains `body` like this. rules.Answer lists the choices."""
        document = {
            "channel": channel,
            "match": {"to": to, "body": body},
            "times": times,
            "probability": probability,
            "seed": seed,
            "answer": answer,
        }
        self._call("POST", "rules", document)

    def tell_statuses(self, *statuses: str, **urls: str) -> None:
        """Send these statuses and the final one for each message accepted from now on; without any, send none.

        `urls` say where a provider posts whose messages do not: `meta="https://…"`.
        """
        if statuses:
            self._call("POST", "callbacks", {"statuses": statuses, "urls": urls})
        else:
            self._call("DELETE", "callbacks")

    def set_prices(self, *, each: str = "0.0079", after: float = 1.0) -> None:
        """Charge `each` US dollars a segment or WhatsApp message, and tell it after `after` seconds."""
        self._call("POST", "prices", {"each": each, "after": after})

    def add_content(self, sid: str, text: str) -> None:
        """Let the content template `sid` say `text`, which names its variables: {{1}}."""
        self._call("POST", "contents", {"sid": sid, "text": text})

    def write(self, body: str, *, url: str, sender: str, to: str, provider: str = "twilio") -> int:
        """Somebody writes `body`; the provider posts it to `url`. The status of the answer."""
        words = {"url": url, "from": sender, "to": to, "body": body, "provider": provider}
        status: int = self._call("POST", "inbound", words)["status"]
        return status

    def sign_up_browser(self, server_key: str = "") -> dict[str, Any]:
        """What a browser's `PushManager.subscribe` gives a page: {"endpoint", "keys": {"p256dh", "auth"}}.

        With `server_key` its push service takes messages of that key alone.
        """
        signed_up: dict[str, Any] = self._call("POST", "browsers", {"server_key": server_key})
        return signed_up

    def clear_rules(self) -> None:
        self._call("DELETE", "rules")

    def clear(self) -> None:
        """Reset everything: no rules, no messages, no callbacks, not down, the usual prices."""
        self.up()
        self.set_prices()
        self.tell_statuses()
        self.clear_rules()
        self._call("DELETE", "messages")

    def down(self) -> None:
        """Refuse everything until `up`."""
        self._call("POST", "down", {"down": True})

    def up(self) -> None:
        self._call("POST", "down", {"down": False})

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, method: str, path: str, document: Mapping[str, Any] | None = None) -> Any:
        answer = self._session.request(
            method, f"{self.http_url}/_sandbox/{path}", json=document, timeout=TIMEOUT_SECONDS
        )
        if answer.status_code == 400:
            raise ValueError(answer.json()["error"])
        answer.raise_for_status()
        return answer.json()


@contextmanager
def running_sandbox(*arguments: str) -> Iterator[SandboxClient]:
    """A sandbox of one's own, on free ports unless `arguments` say otherwise; it ends with this block or process."""
    command = [sys.executable, "-m", "notifications.sandbox", "--http-port", "0", "--smtp-port", "0"]
    with subprocess.Popen(
        [*command, "--end-with-parent", *arguments],
        cwd=Path(__file__).parent.parent.parent,  # where the package is found, wherever the caller stands
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101  (asked for above)
        try:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError("The sandbox did not start.")
            with SandboxClient(**json.loads(line)) as client:
                yield client
        finally:
            process.terminate()
