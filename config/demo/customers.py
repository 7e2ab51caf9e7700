"""The demo's customers: each logs in, picks slots, pays at the gateway and has the payment verified, over HTTP only."""

import random
import time
from dataclasses import dataclass, field
from typing import Any

import requests

from config.demo.seed import PASSWORD, Customer

TIMEOUT_SECONDS = 30.0


@dataclass(slots=True)
class Journal:
    """A customer's bookings in the order of their confirmation, and how long each verification took."""

    customer: Customer
    bookings: list[dict[str, Any]] = field(default_factory=list)
    verification_seconds: list[float] = field(default_factory=list)


class Shopper:
    """One customer's client. Raises requests.RequestException for every unexpected answer."""

    def __init__(self, customer: Customer, *, web: str) -> None:
        self.journal = Journal(customer)
        self._web = web
        self._session = requests.Session()
        self._session.trust_env = False

    def log_in(self) -> None:
        """Trade name and password for a token."""
        token = self._post("/api/auth/token/", {"username": self.journal.customer.username, "password": PASSWORD})
        self._session.headers["Authorization"] = f"Token {token['token']}"

    def book(self, choose: random.Random) -> None:
        """Order a seat or two, pay at the gateway, and report the payment."""
        order = self.order(choose)
        receipt = requests.post(order["gateway"]["pay_url"], json={}, timeout=TIMEOUT_SECONDS)
        receipt.raise_for_status()
        asked_at = time.perf_counter()
        booking = self.verify(receipt.json())
        self.journal.verification_seconds.append(time.perf_counter() - asked_at)
        self.journal.bookings.append(booking)

    def verify(self, receipt: dict[str, Any]) -> dict[str, Any]:
        """Report what the gateway handed out; the booking."""
        return self._post("/api/payments/verify/", receipt)

    def close(self) -> None:
        self._session.close()

    def order(self, choose: random.Random) -> dict[str, Any]:
        """An order for a random slot, or for another one if it is full by then."""
        quantity = choose.choice((1, 1, 2))
        while True:
            slot = choose.choice([slot for slot in self._offered() if slot["seats_left"] >= quantity])
            answer = self._session.post(
                f"{self._web}/api/orders/", json={"slot": slot["id"], "quantity": quantity}, timeout=TIMEOUT_SECONDS
            )
            if answer.status_code != 409:
                return _decoded(answer)

    def _offered(self) -> list[dict[str, Any]]:
        path = "/api/slots/?has_seats=true&page_size=200"
        offered: list[dict[str, Any]] = _decoded(self._session.get(self._web + path, timeout=TIMEOUT_SECONDS))[
            "results"
        ]
        return offered

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return _decoded(self._session.post(self._web + path, json=body, timeout=TIMEOUT_SECONDS))


def _decoded(answer: requests.Response) -> dict[str, Any]:
    if not answer.ok:
        raise requests.HTTPError(f"{answer.url} answered {answer.status_code}: {answer.text[:300]}", response=answer)
    decoded: dict[str, Any] = answer.json()
    return decoded
