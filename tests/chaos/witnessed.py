"""The oracles that look at the rows and at the witness's record: a bug may leave no trace outside.

A run without the fencing token still loses nothing and stays in order; who settled which claim shows it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

from notifications.lifecycle import TERMINAL
from tests.chaos.history import Finding, History, Transition
from tests.chaos.over_routes import attempts_by_word, is_question

HEAD = frozenset({"pending", "sending"})
MOVES = {
    "": {"queued", "pending", "cancelled"},  # at once: there is no address for it
    "queued": {"pending", "sending", "cancelled", "expired"},
    "pending": {"sending", "cancelled", "expired"},
    "sending": {"pending", "sent", "failed", "expired"},
    "failed": {"queued", "pending"},
}


def fencing(history: History) -> Iterator[Finding]:
    """A claim that was settled by another process than the one that made it; a move that the lifecycle does not have;
    a claim number that did not rise by one.
    """
    customers = _customers(history)
    claims: dict[tuple[int, int], Transition] = {}
    last: dict[int, Transition] = {}
    for step in history.transitions:
        before = last.get(step.message)
        customer = customers.get(step.message, "")
        if step.became not in MOVES.get(step.was, set()) and step.was not in TERMINAL:
            yield Finding(customer, f"message {step.message} went from {step.was or 'nothing'} to {step.became or '-'}")
        if before is not None and step.claim != before.claim + (step.became == "sending"):
            yield Finding(customer, f"message {step.message}: claim {step.claim} followed claim {before.claim}")
        if step.became == "sending":
            if not step.process:
                yield Finding(customer, f"nobody says who made claim {step.claim} of message {step.message}")
            claims[step.message, step.claim] = step
        elif step.was == "sending":
            claim = claims.get((step.message, step.claim))
            is_rescue = claim is not None and step.rescues > claim.rescues and step.became == "pending"
            if claim is None or not (is_rescue or claim.process == step.process):
                maker = claim.process if claim else "nobody"
                yield Finding(
                    customer, f"claim {step.claim} of message {step.message}, by {maker}, was settled by {step.process}"
                )
        last[step.message] = step


def two_heads(history: History) -> Iterator[Finding]:
    """A lane with two messages that may be claimed or are being sent."""
    lanes = {message.id: message.word.lane for message in history.messages}
    heads: dict[tuple[str, bool], set[int]] = defaultdict(set)
    for step in history.transitions:
        lane = lanes.get(step.message)
        if lane is None:
            continue
        if step.became in HEAD:
            heads[lane].add(step.message)
        else:
            heads[lane].discard(step.message)
        if len(heads[lane]) > 1:
            yield Finding(lane[0], f"messages {sorted(heads[lane])} led the lane together")


def stranded(history: History) -> Iterator[Finding]:
    """A message that is not finished though nothing happens any more."""
    for message in history.messages:
        if message.status not in TERMINAL:
            yield Finding(message.word.customer, f"{message.word.told()} is still {message.status}")


def resurrected(history: History) -> Iterator[Finding]:
    """A finished message that changed, or vanished, without a replay on record."""
    replays = {message.id: message.replays for message in history.messages}
    customers = _customers(history)
    moved: Counter[int] = Counter()
    for step in history.transitions:
        if step.was in TERMINAL:
            moved[step.message] += 1
            is_replay = step.was == "failed" and step.became in MOVES["failed"]
            if not is_replay or moved[step.message] > replays.get(step.message, 0):
                yield Finding(
                    customers.get(step.message, ""),
                    f"message {step.message} went from {step.was} to {step.became or 'nothing'}",
                )


def unrecorded(history: History) -> Iterator[Finding]:
    """A send without an attempt on record; a claim that was sent or rescued without one."""
    customers = _customers(history)
    attempts = attempts_by_word(history)
    recorded = {(attempt.message, attempt.claim): attempt.answer for attempt in history.attempts}
    sends = Counter(call.word for call in history.calls if not is_question(call, attempts.get(call.word, ())))
    for word, count in sends.items():
        known = len(attempts.get(word, ()))
        if count > known:
            yield Finding(word.customer, f"{word.told()} was handed over {count} times, {known} on record")
    rescues: dict[int, int] = {}
    for step in history.transitions:
        is_rescue = step.rescues > rescues.get(step.message, 0)
        rescues[step.message] = step.rescues
        wanted = "unknown" if is_rescue else "accepted" if step.became == "sent" else None
        if wanted and recorded.get((step.message, step.claim)) != wanted:
            yield Finding(
                customers.get(step.message, ""), f"claim {step.claim} of message {step.message} lacks its attempt"
            )


def _customers(history: History) -> dict[int, str]:
    return {message.id: message.word.customer for message in history.messages}
