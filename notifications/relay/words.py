"""Decides what becomes of a message whose words cannot be made, and lets one message try a release's words first.

One whose own facts are wrong fails. If all of its kind, or most, cannot be made, the words are broken, by a deploy for
example: then its messages wait as those of a paused channel do, at the head of their lanes (G4) until they expire, and
use up no attempt. Each is tried again now and then. The first that can be made frees the rest.

After a deploy, the first message of a kind on a channel is a canary: the others wait until its provider has answered.

Sending threads ask and tell; the relay's thread reports. While all is well, both cost a look into a dict.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from notifications.lifecycle import Outcome, Permanent
from notifications.protocol import sql_words as sql
from notifications.relay.connection import Connection
from notifications.relay.messages import Claimed, Clock
from notifications.telemetry import emit

Key = tuple[str, str]  # a kind and a channel

PROBATION_SECONDS = 1.0  # then a message that could not be made is looked at again, beside the others of its kind
FIRST_HOLD_SECONDS, LONGEST_HOLD_SECONDS = 5.0, 300.0
SHOWN_SECONDS = 2 * LONGEST_HOLD_SECONDS  # for which a hold is told, unless it is reported again
REPORT_SECONDS = 60.0  # between two reports of one hold
FREED_AT_ONCE = 1000
MOST_WATCHED = 1000  # messages of a kind that cannot be made
CANARY_WAIT_SECONDS = 1.0
LONGEST_CANARY_SECONDS = 5.0  # a slow provider must not hold a kind up
MOST_CANARIES = 3  # that a provider refuses: then the words are not to blame, or a person must look
MOST_PROBLEM = 300  # characters
OF_TEMPLATES = ("RenderingError", "TemplateSyntaxError", "TemplateDoesNotExist")  # errors that quote templates alone


@dataclass(slots=True)
class _Tried:
    """What was seen of a kind on a channel: how many messages could be made, and which could not, each with how many
    had been made until then.
    """

    made: int = 0
    failing: dict[int, int] = field(default_factory=dict)
    held_at: float | None = None
    reported_at: float = 0.0


@dataclass(slots=True)
class _Doubt:
    """Words that no message of this release has proved. `canary`: the message that is trying them, since `since`."""

    canary: int = 0
    since: float = 0.0
    refused: int = 0


class _Hold(NamedTuple):
    """What is to be reported of words that are held."""

    key: Key
    problem: str


class Words:
    """One relay's view. `renew` reads templates anew if they have changed, and says whether they have."""

    def __init__(
        self, release: str, *, renew: Callable[[], bool] = lambda: False, clock: Clock = time.monotonic
    ) -> None:
        self._release = release
        self._renew = renew
        self._clock = clock
        self._lock = threading.Lock()
        self._tried: dict[Key, _Tried] = {}
        self._doubts: dict[Key, _Doubt] = {}
        self._proven: list[Key] = []
        self._holds: list[_Hold] = []
        self._freeing: set[Key] = set()

    def start(self, connection: Connection) -> None:
        """Learn what other releases proved, and have one held message of each kind tried now."""
        for kind, channel, proven_release, is_held in connection.execute(sql.WORDS).fetchall():
            key = (kind, channel)
            if is_held:
                self._tried.setdefault(key, _Tried(held_at=self._clock()))
                self._free(connection, key, most=1)
            elif proven_release not in ("", self._release):
                self._doubts[key] = _Doubt()

    def must_wait(self, message: Claimed) -> float | None:
        """How many seconds `message` waits, because another one tries its words; None: it may go."""
        if not self._doubts or (doubt := self._doubts.get((message.kind, message.channel))) is None:
            return None
        with self._lock:
            now = self._clock()
            if not doubt.canary:
                doubt.canary, doubt.since = message.id, now
            is_slow = now - doubt.since > LONGEST_CANARY_SECONDS
            return None if doubt.canary == message.id or is_slow else CANARY_WAIT_SECONDS

    def made(self, message: Claimed) -> None:
        """The words of `message` were made."""
        key = (message.kind, message.channel)
        tried = self._tried.get(key)
        if tried is None:
            with self._lock:
                tried = self._tried.setdefault(key, _Tried())
                if key not in self._doubts:
                    self._proven.append(key)
        tried.made += 1  # two threads may count one for two: what counts is whether there are any
        if tried.failing or tried.held_at is not None:
            self._recover(key, message.id)

    def tried(self, message: Claimed, outcome: Outcome) -> None:
        """The provider has answered `message`, or has not: the words of its kind are proved, or refused."""
        if not self._doubts or (doubt := self._doubts.get((message.kind, message.channel))) is None:
            return
        with self._lock:
            if doubt.canary == message.id:
                doubt.canary = 0
            doubt.refused += isinstance(outcome, Permanent)
            key = (message.kind, message.channel)
            is_over = not isinstance(outcome, Permanent) or doubt.refused >= MOST_CANARIES
            if is_over and key in self._doubts:
                del self._doubts[key]
                self._proven.append(key)

    def cannot_be_made(self, message: Claimed, problem: str, *, is_sample_broken: Callable[[], bool]) -> float | None:
        """How many seconds `message` is held, because its words cannot be made; None: it fails, and others do not.

        `is_sample_broken` says whether its kind's sample cannot be made either; a kind without one knows nothing.
        """
        if self._renew():
            return 0.0
        key = (message.kind, message.channel)
        broken = is_sample_broken()  # renders: not under the lock
        with self._lock:
            self._doubts.pop(key, None)
            tried, now = self._tried.setdefault(key, _Tried()), self._clock()
            made_before = tried.failing.get(message.id)
            if len(tried.failing) < MOST_WATCHED:
                tried.failing.setdefault(message.id, tried.made)
            others = len(tried.failing.keys() - {message.id})
            if broken or tried.held_at is not None:  # none was made since the hold began: that would have ended it
                return self._held(key, tried, problem, now=now)
            if made_before is None:
                return PROBATION_SECONDS
            if others and tried.made - made_before <= others:
                return self._held(key, tried, problem, now=now)
            tried.failing.pop(message.id, None)
            return None

    @property
    def has_news(self) -> bool:
        """Whether something has changed that is not written down yet."""
        return bool(self._proven or self._holds or self._freeing)

    def report(self, connection: Connection) -> bool:
        """Write down what has changed; returns whether messages have become due. Used by the relay's thread."""
        if not self.has_news:
            return False
        with self._lock:
            proven, self._proven = self._proven, []
            holds, self._holds = self._holds, []
            freeing = list(self._freeing)
        for kind, channel in proven:
            parameters = {"kind": kind, "channel": channel, "release": self._release}
            connection.execute(sql.PROVE_WORDS, parameters)
        for (kind, channel), problem in holds:
            parameters = {"kind": kind, "channel": channel, "release": self._release}
            connection.execute(sql.HOLD_WORDS, {**parameters, "problem": problem, "seconds": SHOWN_SECONDS})
            emit("kind.held", kind=kind, channel=channel)
        freed = [(key, self._free(connection, key, most=FREED_AT_ONCE)) for key in freeing]
        with self._lock:
            self._freeing -= {key for key, number in freed if number < FREED_AT_ONCE}
        return any(number for _, number in freed)

    def _held(self, key: Key, tried: _Tried, problem: str, *, now: float) -> float:
        """Needs the lock. The longer it lasts, the less often a message is tried."""
        if tried.held_at is None:
            tried.held_at, tried.reported_at = now, 0.0
        if not tried.reported_at or now - tried.reported_at >= REPORT_SECONDS:
            tried.reported_at = now
            self._holds.append(_Hold(key, _without_facts(problem)))
        return min(max((now - tried.held_at) / 2, FIRST_HOLD_SECONDS), LONGEST_HOLD_SECONDS)

    def _recover(self, key: Key, message: int) -> None:
        """One could be made: if its kind was held, it goes on."""
        with self._lock:
            tried = self._tried[key]
            tried.failing.pop(message, None)
            if tried.held_at is None:
                return
            tried.held_at, tried.failing = None, {}
            self._proven.append(key)
            self._freeing.add(key)
        emit("kind.freed", kind=key[0], channel=key[1])

    def _free(self, connection: Connection, key: Key, *, most: int) -> int:
        """Have the oldest `most` held messages of this kind tried now; how many there were."""
        parameters = {"kind": key[0], "channel": key[1], "most": most}
        return len(connection.execute(sql.FREE_WORDS, parameters).fetchall())


def _without_facts(problem: str) -> str:
    """What is wrong with the template. Other errors may quote what somebody wrote, so of them the type is enough."""
    where, _, what = problem.partition(": ")
    error = what.partition(":")[0]
    return (problem if error in OF_TEMPLATES else f"{where}: {error}")[:MOST_PROBLEM]
