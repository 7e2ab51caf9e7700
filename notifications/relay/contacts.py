"""Reads recipients' contact details anew before a send: where an address comes from is the project's own code.

One thread of its own does it, on one connection, for all sends that ask at the same time. So code that hangs or raises
stops no relay: whoever has waited SECONDS sends with what the claim read, and nobody waits for a thread that is stuck.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import close_old_connections, connections

from notifications.relay.messages import Claimed, Clock
from notifications.telemetry import emit

SECONDS = 2.0
Read = Callable[[Sequence[int]], Mapping[int, Mapping[str, Any]]]


class _Question:
    """One send's: `answer` holds fields of its message, once it is `answered`; None: nothing is known."""

    def __init__(self, recipient: int) -> None:
        self.recipient = recipient
        self.answer: Mapping[str, Any] | None = None
        self.answered = threading.Event()


class Contacts:
    """`read` returns a message's fields by id of its recipient. Any thread may ask, and the first starts the reader."""

    def __init__(self, read: Read, *, seconds: float = SECONDS, clock: Clock = time.monotonic) -> None:
        self._read = read
        self._seconds = seconds
        self._clock = clock
        self._asked: list[_Question] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._reading_since: float | None = None
        self._is_closed = self._is_failing = False

    def fresh(self, message: Claimed) -> Claimed:
        """`message` with what is known of its recipient now; as it is, if that cannot be read in time."""
        question = _Question(message.recipient_id)
        with self._changed:
            if self._is_stuck:
                self._report("Timeout")
                return message
            self._asked.append(question)
            self._start()
            self._changed.notify()
        if not question.answered.wait(self._seconds):
            self._report("Timeout")
            return message
        return _changed(message, question.answer) if question.answer else message

    def close(self) -> None:
        """Let the reader end, once it has answered. One that is stuck is not waited for: it ends with the process."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(self._seconds)

    @property
    def _is_stuck(self) -> bool:
        return self._reading_since is not None and self._clock() - self._reading_since > self._seconds

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="contacts", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            while questions := self._take():
                self._answer(questions)
        finally:
            connections.close_all()

    def _take(self) -> list[_Question]:
        """All that were asked meanwhile; none, once closed."""
        with self._changed:
            self._reading_since = None
            while not self._asked and not self._is_closed:
                self._changed.wait()
            questions, self._asked = self._asked, []
            self._reading_since = self._clock()
            return questions

    def _answer(self, questions: Sequence[_Question]) -> None:
        answers: Mapping[int, Mapping[str, Any]] = {}
        try:
            close_old_connections()  # one that broke, or is as old as the project lets it be
            answers = self._read(sorted({question.recipient for question in questions}))
            self._is_failing = False
        except BaseException as error:  # noqa: BLE001  (SystemExit too: it would end this thread, and leave all waiting)
            self._report(type(error).__name__)
        for question in questions:
            question.answer = answers.get(question.recipient)
            question.answered.set()

    def _report(self, error: str) -> None:
        emit("contact.failed", error=error)
        if not self._is_failing:
            self._is_failing = True
            emit("contact.failing", error=error)


def _changed(message: Claimed, fields: Mapping[str, Any]) -> Claimed:
    """A conversation belongs to its number: whether somebody wrote from another one lately, is not known."""
    has_moved = fields.get("phone", message.phone) != message.phone
    now: Claimed = message._replace(**fields)
    return now._replace(inbound_age=None) if has_moved else now
