"""The campaign's customers: they book, pay, report their payments and cancel, as clients do whose network and shop are
not always there. A client that got no answer asks again.
"""

import json
import random
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.chaos.history import Answer

TIMEOUT_SECONDS = 8.0
PATIENCE_SECONDS = 60.0  # with one request, before a client gives up
PAUSE_SECONDS = (0.1, 0.6)  # between two tries
CLOSES_THE_TAB, PAYS_TWICE, NEVER_PAYS, IS_DECLINED, PAYS_LATE = 0.03, 0.01, 0.02, 0.01, 0.02
LATE_SECONDS = 25.0  # longer than the seats are held


@dataclass(frozen=True, slots=True)
class Wish:
    """What the campaign wants of its customers. `rate`: visits a second, all together, besides those of newcomers, who
    read their codes at `providers` (SandboxClient).
    """

    web: str
    gateway: str
    customers: list[str]
    password: str
    slots: dict[str, int]
    rate: float
    cancels: float
    seed: int
    log: str
    providers: list[dict[str, str]]


class Book:
    """The file that everybody writes into."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a")
        self._lock = threading.Lock()

    def write(self, record: dict[str, Any]) -> None:
        with self._lock:
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()


@dataclass
class Customer:
    """One customer's client, their bookings so far, and the order that they will pay late."""

    name: str
    wish: Wish
    book: Book
    choose: random.Random
    session: requests.Session = field(default_factory=requests.Session)
    bookings: dict[str, int] = field(default_factory=dict)
    late: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)
    tries: int = 0  # that the last request took

    def __post_init__(self) -> None:
        self.session.trust_env = False
        self._unseen = sorted(self.wish.slots)
        self.choose.shuffle(self._unseen)

    def visit(self) -> None:
        """One visit to the shop: a late payment, a cancellation, or a new booking."""
        if "Authorization" not in self.session.headers and not self._log_in():
            return
        if self.late and time.time() - self.late[0][0] > LATE_SECONDS:
            _, slot, order = self.late.pop()
            self._pay(slot, order)
        elif self.bookings and self.choose.random() < self.wish.cancels:
            self._cancel(self.choose.choice(sorted(self.bookings)))
        elif self._unseen:
            self._order(self._unseen.pop())

    def _log_in(self) -> bool:
        answer = self.ask("POST", "/api/auth/token/", {"username": self.name, "password": self.wish.password})
        if answer is None or not answer.ok:
            return False
        self.session.headers["Authorization"] = f"Token {answer.json()['token']}"
        return True

    def _order(self, slot: str) -> None:
        wanted = {"slot": self.wish.slots[slot], "quantity": self.choose.choice((1, 1, 2))}
        key = f"{self.name}-{slot}".replace(" ", "-")
        answer = self.ask("POST", "/api/orders/", wanted, {"Idempotency-Key": key})
        if answer is None or not answer.ok:
            return
        order = answer.json()
        self.book.write({"order": order["order_id"], "customer": self.name, "slot": slot})
        chance = self.choose.random()
        if chance < NEVER_PAYS:
            return
        if chance < NEVER_PAYS + PAYS_LATE:
            self.late.append((time.time(), slot, order))
        else:
            self._pay(slot, order)

    def _pay(self, slot: str, order: dict[str, Any]) -> None:
        chance = self.choose.random()
        if chance < IS_DECLINED:
            self._at_the_gateway(order, state="failed")
            return
        receipts = [self._at_the_gateway(order) for _ in range(1 + (chance < IS_DECLINED + PAYS_TWICE))]
        if self.choose.random() < CLOSES_THE_TAB:
            return
        for receipt in receipts:
            self._verify(slot, receipt)
        if len(receipts) > 1:
            self.bookings.pop(slot, None)  # one refund for a slot, or nobody could tell their messages apart

    def _at_the_gateway(self, order: dict[str, Any], **wishes: str) -> dict[str, str]:
        """Nothing disturbs the way between a customer and the gateway: what was paid is in its books."""
        url = f"{self.wish.gateway}/v1/orders/{order['order_id']}/pay"
        answer = self.session.post(url, json=wishes, timeout=60, headers={"Authorization": None})
        answer.raise_for_status()
        return answer.json()

    def _verify(self, slot: str, receipt: dict[str, str]) -> None:
        asked = time.time()
        answer = self.ask("POST", "/api/payments/verify/", receipt)
        if answer is None:
            return
        if answer.ok:
            booking = answer.json()["id"]
            self.bookings[slot] = booking
            self.note("booked", slot, asked, booking=booking)
        else:
            self.note("refused", slot, asked, code=code_of(answer))

    def _cancel(self, slot: str) -> None:
        booking, asked = self.bookings.pop(slot), time.time()
        answer = self.ask("POST", f"/api/bookings/{booking}/cancel/", {})
        if answer is not None and answer.ok:
            self.note("cancelled", slot, asked, booking=booking)
        elif answer is not None:
            self.note("refused", slot, asked, code=code_of(answer))

    def note(self, what: str, slot: str, asked: float, *, booking: int = 0, code: str = "", customer: str = "") -> None:
        self.book.write(asdict(Answer(customer or self.name, slot, what, asked, time.time(), booking, code)))

    def ask(
        self, method: str, path: str, body: dict[str, Any], headers: dict[str, str] | None = None
    ) -> requests.Response | None:
        """The shop's answer, however often it must be asked; None if patience ran out."""
        until, self.tries = time.monotonic() + PATIENCE_SECONDS, 0
        while time.monotonic() < until:
            self.tries += 1
            try:
                answer = self.session.request(
                    method, self.wish.web + path, json=body, headers=headers, timeout=TIMEOUT_SECONDS
                )
                if answer.status_code < 500 and answer.status_code != 429:
                    return answer
            except requests.RequestException:
                pass
            time.sleep(self.choose.uniform(*PAUSE_SECONDS))
        return None


def code_of(answer: requests.Response) -> str:
    """What a refusal calls itself."""
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError):
        return f"http_{answer.status_code}"
