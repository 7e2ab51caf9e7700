"""What must be in the outbox, in plain Python: the same moves over dictionaries, one at a time, without a database.

It knows nothing of locks and indexes. Whatever those allow, what is committed must be what this model says.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from notifications.lifecycle import Outcome, Transient
from notifications.policy.routes import Tried
from notifications.relay.messages import Claimed, Settlement
from tests.properties.snapshot import Attempt, Row

MAX_ATTEMPTS, MAX_DEFERRALS, MAX_RESCUES = 2, 3, 2  # few, so that they are reached
ROUTES = ASKABLE, SILENT = "first", "second"  # of SMS; the provider of the first can be asked about a lost answer


@dataclass
class Message:
    """`is_late`: its expires_at has come."""

    id: int
    recipient: int
    lane: str
    channel: str
    is_late: bool = False
    status: str = "queued"
    claim_number: int = 0
    attempts: int = 0
    deferrals: int = 0
    rescues: int = 0
    relay: int | None = None
    error_code: str = ""
    is_due: bool = True
    is_doubtful: bool = False
    route: str = ""
    tried: Tried = field(default_factory=Tried)
    doubted: set[str] = field(default_factory=set)  # the routes of its attempts of unknown outcome
    is_patience_over: bool = False

    @property
    def is_bound(self) -> bool:
        """Whether it stays with the providers whose answer was lost, since one of them cannot be asked."""
        return not (self.doubted <= {ASKABLE} or self.is_patience_over)

    def routes(self, open_: Collection[str]) -> list[str]:
        """Over which it may go, of those that are open; the first of them is the one."""
        may = [name for name in ROUTES if name in open_ and (name in self.doubted or not self.is_bound)]
        left = [name for name in may if name not in self.tried.now]
        left = left or [name for name in may if name not in self.tried.never] or may
        return [name for name in left if name not in self.doubted] or left

    @property
    def row(self) -> Row:
        return Row(
            self.id,
            self.recipient,
            self.lane,
            self.channel,
            self.status,
            self.claim_number,
            self.attempts,
            self.deferrals,
            self.rescues,
            self.relay,
            self.error_code,
            self.status == "pending" and self.is_due,
            self.is_doubtful,
            self.route,
            str(self.tried),
        )


@dataclass
class Model:
    """`committed` are all messages ever, in the order of their commits; `counts` what became of them, and `unknown` how
    often nobody knows whether a message was accepted.
    """

    messages: dict[int, Message] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    committed: list[Message] = field(default_factory=list)
    replays: Counter[int] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    unknown: Counter[int] = field(default_factory=Counter)
    paused: set[str] = field(default_factory=set)

    def with_status(self, *statuses: str) -> list[Message]:
        return [message for _, message in sorted(self.messages.items()) if message.status in statuses]

    def publish(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.messages[message.id] = message
            self.committed.append(message)
            self._promote(message)

    def cancel(self, ids: Collection[int]) -> list[int]:
        withdrawn = [message for message in self.with_status("queued", "pending") if message.id in ids]
        for message in withdrawn:
            message.status = "cancelled"
            self.counts["cancelled"] += 1
        for message in withdrawn:
            self._promote(message)
        return [message.id for message in withdrawn]

    def replay(self, ids: Collection[int]) -> list[int]:
        replayed = [message for message in self.with_status("failed") if message.id in ids]
        for message in replayed:
            message.status, message.error_code = "queued", ""
            message.attempts = message.deferrals = message.rescues = 0
            message.tried = Tried()
            self.replays[message.id] += 1
            self.counts["replayed"] += 1
        for message in replayed:
            self._promote(message)
        return [message.id for message in replayed]

    def claim(self, message_id: int, *, relay: int, route: str = "") -> Message:
        message = self.messages[message_id]
        message.route = route or message.route
        message.status, message.relay, message.claim_number = "sending", relay, message.claim_number + 1
        return message

    def settle(self, settlement: Settlement, *, relay: int) -> Message | None:
        """Returns what is promoted. Nothing changes if the claim is not the message's last one, or is settled (G5)."""
        claimed, outcome = settlement.message, settlement.outcome
        message = self.messages.get(claimed.id)
        if message is None or (message.status, message.claim_number) != ("sending", claimed.claim_number):
            return None
        message.status, message.relay, message.attempts = settlement.status.value, None, settlement.attempts
        message.deferrals = claimed.deferrals if settlement.deferrals is None else settlement.deferrals
        message.is_due = message.is_due and not settlement.delay
        message.route = settlement.route or message.route
        message.tried = message.tried if settlement.tried is None else Tried.read(settlement.tried)
        code = outcome.code if outcome else settlement.code
        if outcome:
            self._record(message, relay=relay, answer=outcome.answer.value, code=outcome.code)
        if code is not None:
            message.error_code = "" if outcome and outcome.answer == "accepted" else code
        if settlement.status.is_terminal:
            self.counts[message.status] += 1
            return self._promote(message)
        return None

    def rescue(self, living: Collection[int]) -> None:
        """Put back what relays hold that are not among the `living`."""
        for message in self.with_status("sending"):
            if message.relay is not None and message.relay not in living:
                self._record(message, relay=message.relay, answer="unknown", code="relay_lost")
                message.status, message.relay, message.error_code = "pending", None, "relay_lost"
                message.rescues, message.is_due = message.rescues + 1, True

    def return_unanswered_claims(self, *, relay: int, in_hand: Collection[tuple[int, int]]) -> None:
        """Put back what `relay` was given and has never heard of."""
        for message in self.with_status("sending"):
            if message.relay == relay and (message.id, message.claim_number) not in in_hand:
                message.status, message.relay = "pending", None

    def prune(self, *, locked: Collection[int]) -> None:
        gone = {each.id for each in self.messages.values() if each.row.is_terminal and each.id not in locked}
        self.messages = {key: message for key, message in self.messages.items() if key not in gone}
        self.attempts = [attempt for attempt in self.attempts if attempt.message not in gone]

    def _record(self, message: Message, *, relay: int, answer: str, code: str) -> None:
        self.attempts.append(Attempt(message.id, message.claim_number, relay, answer, code, message.route))
        self.counts[answer] += 1
        if answer == "unknown":
            self.unknown[message.id] += 1
            message.is_doubtful, message.is_patience_over = True, False
            message.doubted |= {message.route} - {""}

    def _promote(self, beside: Message) -> Message | None:
        """The oldest that waits in the lane of `beside` leads it, if none does."""
        lane = [
            each for each in self.messages.values() if (each.recipient, each.lane) == (beside.recipient, beside.lane)
        ]
        waiting = [message for message in lane if message.status == "queued"]
        if waiting and not any(message.status in ("pending", "sending") for message in lane):
            head = min(waiting, key=lambda message: message.id)
            head.status, head.is_due = "pending", True
            return head
        return None


class Expected(NamedTuple):
    """What a claimed message comes to. `is_asked`: whether its provider was. `deferrals`: None leaves them."""

    status: str
    attempts: int
    deferrals: int | None
    is_asked: bool


class OverRoutes(NamedTuple):
    """A claimed message's channel has several routes. `open`: those of them; `found`: its provider says that it has the
    message; `is_silent`: it does not say.
    """

    message: Message
    open: Collection[str]
    found: bool = False
    is_silent: bool = False

    def verdict(self, claimed: Claimed, outcome: Outcome) -> "Expected | None":
        """What a message comes to that is found, or stays in doubt, or moves; None: its last route's answer decides."""
        if self.found:
            return Expected("sent", claimed.attempts + 1, None, is_asked=False)
        if self.is_silent and not self.message.is_patience_over:
            return Expected("pending", claimed.attempts, None, is_asked=False)
        if self.moves(claimed, outcome):
            return Expected("pending", claimed.attempts, None, is_asked=True)
        return None

    def moves(self, claimed: Claimed, outcome: Outcome) -> bool:
        """Whether it certainly was not accepted, and another open route is left."""
        left = set(self.open) - self.tried(claimed, outcome).now - {claimed.route}
        return self._may_move(outcome) and bool(left)

    def noted(self, claimed: Claimed, outcome: Outcome) -> str | None:
        """What is written down, after a send, of the routes that refused it: those for good alone, once it waits."""
        if self._may_move(outcome):
            tried = self.tried(claimed, outcome)
            return str(tried if self.moves(claimed, outcome) else Tried(tried.never, tried.never))
        is_over = outcome.answer in ("transient", "unknown") and bool(self.message.tried.now)
        return str(Tried(self.message.tried.never, self.message.tried.never)) if is_over else None

    @staticmethod
    def _may_move(outcome: Outcome) -> bool:
        is_later = isinstance(outcome, Transient) and outcome.deferral is not None
        return outcome.answer in ("transient", "throttled", "permanent") and not is_later

    def tried(self, claimed: Claimed, outcome: Outcome) -> Tried:
        return self.message.tried.and_on(claimed.route, for_good=outcome.answer == "permanent")

    def is_over(self, claimed: Claimed, outcome: Outcome) -> bool:
        """Whether a refusal for good ends it: every route has refused it so."""
        return self.tried(claimed, outcome).never >= set(ROUTES)


def verdict(claimed: Claimed, outcome: Outcome, *, may_send: bool, over: OverRoutes | None = None) -> Expected:
    if not may_send:
        return Expected("pending", claimed.attempts, None, is_asked=False)
    if claimed.is_expired:
        return Expected("expired", claimed.attempts, None, is_asked=False)
    if claimed.rescues >= MAX_RESCUES:
        return Expected("failed", claimed.attempts, None, is_asked=False)
    if over and (known := over.verdict(claimed, outcome)):
        return known
    if over and outcome.answer == "permanent" and not over.is_over(claimed, outcome):
        outcome = Transient(outcome.code)
    if outcome.answer == "throttled":
        return Expected("pending", claimed.attempts, claimed.deferrals, is_asked=True)
    is_later = isinstance(outcome, Transient) and outcome.deferral is not None
    deferrals, attempts = claimed.deferrals + is_later, claimed.attempts + 1
    is_last = deferrals >= MAX_DEFERRALS if is_later else attempts - deferrals >= MAX_ATTEMPTS
    refused = "failed" if is_last or outcome.answer == "permanent" else "pending"
    return Expected("sent" if outcome.answer == "accepted" else refused, attempts, deferrals, is_asked=True)
