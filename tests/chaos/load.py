"""The load, a process of its own: everybody visits the shop, each in turn.

`python -m tests.chaos.load '{…}'` appends what happens to a file, a JSON line each, until SIGTERM; then everybody
finishes what they began.
"""

import json
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.chaos.customers import Book, Customer, Wish
from tests.chaos.inbox import Inbox
from tests.chaos.newcomers import Newcomers

CLIENTS = 16  # at the same time
NEWCOMERS = 6  # of the clients that are beside those: who waits for a code keeps no customer from the shop
NEWCOMERS_PACE = 0.5  # seconds from one visit of a newcomer's client to the next


def serve(wish: Wish, is_over: Callable[[], bool]) -> None:
    """Have everybody visit the shop: customers at the rate that was asked for, and newcomers beside them."""
    book, inbox = Book(Path(wish.log)), Inbox(wish.providers)
    threads = [threading.Thread(target=_customers, args=(number, wish, book, is_over)) for number in range(CLIENTS)]
    threads += [
        threading.Thread(target=_newcomers, args=(Newcomers(number, wish, book, inbox), is_over))
        for number in range(NEWCOMERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    inbox.close()


def _customers(number: int, wish: Wish, book: Book, is_over: Callable[[], bool]) -> None:
    """One client's customers, each in turn."""
    pace = CLIENTS / wish.rate
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


def _newcomers(mine: Newcomers, is_over: Callable[[], bool]) -> None:
    while not is_over():
        mine.next().visit()
        time.sleep(NEWCOMERS_PACE)
    for newcomer in mine.known:
        newcomer.session.close()


def main() -> None:
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    serve(Wish(**json.loads(sys.argv[1])), over.is_set)


if __name__ == "__main__":
    main()
