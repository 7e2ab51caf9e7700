"""The campaign's customers, a process of its own: they book, pay, report their payments and cancel, as clients do whose
network and whose shop are not always there. A client that got no answer asks again.

`python -m tests.chaos.customers '{…}'` appends what happens to a file, a JSON line each, until SIGTERM; then everybody
finishes what they began.
"""

import json
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.chaos.history import Answer

CLIENTS = 16  # at the same time
TIMEOUT_SECONDS = 8.0
PATIENCE_SECONDS = 60.0  # with one request, before a client gives up
PAUSE_SECONDS = (0.1, 0.6)  # between two tries
CLOSES_THE_TAB, PAYS_TWICE, NEVER_PAYS, IS_DECLINED, PAYS_LATE = 0.03, 0.01, 0.02, 0.01, 0.02
LATE_SECONDS = 25.0  # longer than the seats are held


@dataclass(frozen=True, slots=True)
class Wish:
    """What the campaign wants of its customers. `rate`: bookings a second, all together."""

    web: str
    gateway: str
    customers: list[str]
    password: str
    slots: dict[str, int]
    rate: float
    cancels: float
    seed: int
    log: str


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
        answer = self._ask("POST", "/api/auth/token/", {"username": self.name, "password": self.wish.password})
        if answer is None or not answer.ok:
            return False
        self.session.headers["Authorization"] = f"Token {answer.json()['token']}"
        return True

    def _order(self, slot: str) -> None:
        wanted = {"slot": self.wish.slots[slot], "quantity": self.choose.choice((1, 1, 2))}
        key = f"{self.name}-{slot}".replace(" ", "-")
        answer = self._ask("POST", "/api/orders/", wanted, {"Idempotency-Key": key})
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
        answer = self._ask("POST", "/api/payments/verify/", receipt)
        if answer is None:
            return
        if answer.ok:
            booking = answer.json()["id"]
            self.bookings[slot] = booking
            self._note("booked", slot, asked, booking=booking)
        else:
            self._note("refused", slot, asked, code=_code(answer))

    def _cancel(self, slot: str) -> None:
        booking, asked = self.bookings.pop(slot), time.time()
        answer = self._ask("POST", f"/api/bookings/{booking}/cancel/", {})
        if answer is not None and answer.ok:
            self._note("cancelled", slot, asked, booking=booking)
        elif answer is not None:
            self._note("refused", slot, asked, code=_code(answer))

    def _note(self, what: str, slot: str, asked: float, *, booking: int = 0, code: str = "") -> None:
        self.book.write(asdict(Answer(self.name, slot, what, asked, time.time(), booking, code)))

    def _ask(
        self, method: str, path: str, body: dict[str, Any], headers: dict[str, str] | None = None
    ) -> requests.Response | None:
        """The shop's answer, however often it must be asked; None if patience ran out."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
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


def _code(answer: requests.Response) -> str:
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError):
        return f"http_{answer.status_code}"


def serve(wish: Wish, is_over: Callable[[], bool]) -> None:
    """Have everybody visit the shop, each in turn, at the rate that was asked for."""
    book = Book(Path(wish.log))
    pace = CLIENTS / wish.rate

    def client(number: int) -> None:
        mine = [
            Customer(name, wish, book, random.Random(f"{wish.seed} {name}")) for name in wish.customers[number::CLIENTS]
        ]
        due = time.monotonic() + pace * number / CLIENTS
        while not is_over():
            for customer in mine:
                if is_over():
                    break
                time.sleep(max(0.0, due - time.monotonic()))
                customer.visit()
                due = max(due + pace, time.monotonic() - 10 * pace)  # what could not be done is made up for, mostly
        for customer in mine:
            customer.session.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    serve(Wish(**json.loads(sys.argv[1])), over.is_set)


if __name__ == "__main__":
    main()
