"""People who come in by themselves: they sign up with an email address or a phone number and the code that was sent
there, book, come back by a code, and change their address.

Some never enter their code, some enter another one, some do it twice at once.
"""

import base64
import json
import random
import threading
import time
from dataclasses import dataclass, field

import requests

from tests.chaos.customers import Book, Customer, Wish, code_of
from tests.chaos.history import CODE
from tests.chaos.inbox import Inbox
from tests.chaos.plan import CODE_SECONDS

PASSWORD = "a pass phrase of newcomers"
MOST = 1000  # of one client: each has a number of their own
GIVES_UP, GUESSES, ENTERS_TWICE = 0.06, 0.08, 0.12
RETURNS, MOVES = 0.4, 0.25  # of visits by who has an account


@dataclass
class Newcomer(Customer):
    """`name` is what the campaign calls them; to the shop they are their address."""

    address: str = ""
    inbox: Inbox = field(kw_only=True)
    is_gone: bool = False
    earlier: str = ""  # the address before this one

    def __post_init__(self) -> None:
        super().__post_init__()
        self.book.write({"newcomer": self.name, "address": self.address})

    def visit(self) -> None:
        """One visit: to sign up, until there is an account; then to sign in by a code, to move, or to the shop."""
        chance = self.choose.random()
        if "Authorization" not in self.session.headers:
            self._sign_up()
        elif chance < RETURNS:
            self._sign_in()
        elif chance < RETURNS + MOVES and "@" in self.address and not self.earlier:
            self._move()
        else:
            super().visit()

    def _sign_up(self) -> None:
        wanted = self._code_for("signup", self.address)
        chance = self.choose.random()
        if wanted is None or chance < GIVES_UP:
            self.is_gone = chance < GIVES_UP
            return
        body = {"name": "New", "password": PASSWORD, "request": wanted.request}
        if chance < GIVES_UP + GUESSES:
            self.is_gone = self.choose.random() < 0.5
            guess = f"{(int(wanted.code) + 1) % 10**6:06}"
            self._enter("/api/accounts/signup/", body | {"code": guess}, wanted, "guessed", "signed_up")
            return
        if self.choose.random() < ENTERS_TWICE:
            twin = threading.Thread(target=self._enter_beside, args=(body | {"code": wanted.code},))
            twin.start()
            wanted.is_shared = True
            self._enter("/api/accounts/signup/", body | {"code": wanted.code}, wanted, "entered", "signed_up")
            twin.join()
            return
        self._enter("/api/accounts/signup/", body | {"code": wanted.code}, wanted, "entered", "signed_up")

    def _enter_beside(self, body: dict[str, str]) -> None:
        """The same code, at the same moment, from another tab."""
        url = f"{self.wish.web}/api/accounts/signup/"
        asked = time.time()
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.post(url, json=body, timeout=30)
            except requests.RequestException:
                return
        if answer.status_code == 201:
            self._say("signed_up", self.address, asked=asked, code="201")

    def _sign_in(self) -> None:
        wanted = self._code_for("signin", self.address)
        if wanted is not None:
            self._enter("/api/auth/code/", wanted.body, wanted, "entered", "signed_in")
        if self.earlier and self.choose.random() < 0.5:
            self._code_for("signin", self.earlier)  # goes in one lane beside the word about the change

    def _move(self) -> None:
        """Another email address: its code goes there, and a word to the old one."""
        new = f"{self.name}-moved@example.com"
        self.book.write({"newcomer": self.name, "address": new})
        asked = time.time()
        answer = self.ask("PATCH", "/api/me/", {"email": new})
        if answer is None or not answer.ok or not (found := self.inbox.newest(new, seconds=CODE_SECONDS)):
            return
        self._code_for("signin", self.address, is_read=False)
        self._say("entered", new, number=found[0], asked=asked)
        self.ask("POST", "/api/me/confirm/", {"field": "email", "code": found[1]})
        answer = self.ask("GET", "/api/me/", {})
        if answer is not None and answer.ok and answer.json()["email"] == new:
            self._say("moved", self.address, asked=asked)
            self.earlier, self.address = self.address, new

    def _code_for(self, purpose: str, address: str, *, is_read: bool = True) -> "Wanted | None":
        """Ask for a code, and read it; None if it does not come in time."""
        asked = time.time()
        answer = self.ask("POST", "/api/accounts/codes/", {"address": address, "purpose": purpose})
        if answer is None or answer.status_code != 202:
            return None
        request = answer.json()["request"]
        number, is_only = _number_in(request), self.tries == 1
        self._say("code", address, number=number, asked=asked)
        found = self.inbox.newest(address, at_least=number, seconds=CODE_SECONDS) if is_read else None
        return Wanted(request, number, found[1], asked, is_only) if found and found[0] == number else None

    def _enter(self, path: str, body: dict[str, str], wanted: "Wanted", what: str, then: str) -> None:
        """Enter the code. It is refused only if it was spent by an answer that got lost, or is too old."""
        self._say(what, self.address, number=wanted.number, asked=time.time())
        answer = self.ask("POST", path, body)
        if answer is None:
            return
        is_in_time = self.tries == 1 and wanted.is_only and time.time() < wanted.asked + CODE_SECONDS
        if answer.ok:
            self.session.headers["Authorization"] = f"Token {answer.json()['token']}"
            self._say(then, self.address, number=wanted.number, asked=wanted.asked, code=str(answer.status_code))
        elif code_of(answer) != "invalid_code" or (what == "entered" and is_in_time and not wanted.is_shared):
            self._say("refused", self.address, number=wanted.number, asked=wanted.asked, code=code_of(answer))

    def _say(self, what: str, address: str, *, asked: float, number: int = 0, code: str = "") -> None:
        self.note(what, f"{CODE}{number}", asked, code=code, customer=address)


@dataclass
class Wanted:
    """A code as its reader has it: what the shop answered to the wish, its ID, and what the message said."""

    request: str
    number: int
    code: str
    asked: float
    is_only: bool  # asked for once: of several, one whose answer got lost may come later, and takes its place
    is_shared: bool = False  # entered in another tab, too

    @property
    def body(self) -> dict[str, str]:
        return {"request": self.request, "code": self.code}


def _number_in(request: str) -> int:
    """The code's ID: what the client keeps is signed, not hidden."""
    payload = request.partition(":")[0]
    number: int = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["code_id"]
    return number


class Newcomers:
    """Those that come to one client, somebody new at every third or fourth visit."""

    def __init__(self, client: int, wish: Wish, book: Book, inbox: Inbox) -> None:
        self._client, self._wish, self._book, self._inbox = client, wish, book, inbox
        self._choose = random.Random(f"{wish.seed} newcomers {client}")
        self.known: list[Newcomer] = []
        self._came = 0

    def next(self) -> Newcomer:
        """Who comes now."""
        here = [each for each in self.known if not each.is_gone]
        if here and (self._choose.random() < 0.7 or self._came == MOST):
            return self._choose.choice(here)
        self._came += 1
        name = f"new-{self._client}-{self._came}"
        is_phone = self._choose.random() < 0.5
        address = f"+1415555{1000 + MOST * self._client + self._came:04}" if is_phone else f"{name}@example.com"
        choose = random.Random(f"{self._wish.seed} {name}")
        self.known.append(Newcomer(name, self._wish, self._book, choose, address=address, inbox=self._inbox))
        return self.known[-1]
