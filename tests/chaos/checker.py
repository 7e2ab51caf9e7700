"""Judges a campaign by its history alone: pure functions, one for each thing that must not have happened.

Most look at what customers, providers and the gateway saw. Some look at the rows and at the witness's record as well,
because a bug may leave no trace outside: a run without the fencing token still loses nothing and stays in order.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from tests.chaos.history import Answer, Call, Deed, History, Message, Transition, Word

CHANNELS = ("sms", "whatsapp", "email")
DEAD = frozenset({"failed", "cancelled", "expired"})
TERMINAL = DEAD | {"sent"}
HEAD = frozenset({"pending", "sending"})
MOVES = {
    "": {"queued", "pending"},
    "queued": {"pending", "cancelled", "expired"},
    "pending": {"sending", "cancelled", "expired"},
    "sending": {"pending", "sent", "failed", "expired"},
    "failed": {"queued", "pending"},
}
FAIR_REFUSALS = frozenset({"sold_out", "order_already_paid", "payment_not_captured"})
# What can cut a relay off from the database while its send is on the wire, and how long after it that can be seen.
CUTS = frozenset({"cut", "stall", "slow", "restart", "fill"})
AFTERMATH_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that must not have happened, and to whom."""

    customer: str
    words: str


Oracle = Callable[[History], Iterator[Fault]]


def judge(history: History) -> dict[str, list[Fault]]:
    """Every fault, by the name of the oracle that found it."""
    return {name: list(oracle(history)) for name, oracle in ORACLES.items()}


def recovered(history: History) -> int:
    """Bookings that were committed though nobody was told: allowed, and counted."""
    told = {answer.booking for answer in history.answers if answer.what == "booked"}
    return sum(booking.id not in told for booking in history.bookings)


def promised(history: History) -> list[Word]:
    """Every message that bookings, cancellations and refunds entail."""
    facts = [(booking.customer, booking.slot, "booking.confirmed") for booking in history.bookings]
    facts += [
        (booking.customer, booking.slot, "booking.cancelled")
        for booking in history.bookings
        if booking.status == "cancelled"
    ]
    payments = {payment.id: payment for payment in history.payments}
    facts += [
        (payments[refund.payment].customer, payments[refund.payment].slot, "payment.refunded")
        for refund in history.refunds
    ]
    return [Word(*fact, channel) for fact in facts for channel in CHANNELS]


def lost(history: History) -> Iterator[Fault]:
    """A booking that was confirmed and is not there; a message that neither arrived nor is in the dead letter."""
    there = {booking.id for booking in history.bookings}
    for answer in history.answers:
        if answer.what == "booked" and answer.booking not in there:
            yield Fault(answer.customer, f"booking {answer.booking} was confirmed and is gone")
    arrived = {call.word for call in history.calls if call.accepted}
    dead = {message.word for message in history.messages if message.status in DEAD}
    for word in promised(history):
        if word not in arrived and word not in dead:
            yield Fault(word.customer, f"{_named(word)} never arrived")
    for message in history.messages:
        if message.status == "sent" and message.word not in arrived:
            yield Fault(message.word.customer, f"{_named(message.word)} counts as sent and never arrived")
    for booking in history.bookings:
        missing = set(CHANNELS) - {note.channel for note in booking.notifications if note.kind == "booking.confirmed"}
        for channel in sorted(missing):
            yield Fault(booking.customer, f"booking {booking.id} has no message on {channel}")


def phantom(history: History) -> Iterator[Fault]:
    """A message that a provider was handed though what it says was never committed."""
    booked = {(booking.customer, booking.slot) for booking in history.bookings}
    cancelled = {(each.customer, each.slot) for each in history.bookings if each.status == "cancelled"}
    paid = {payment.id: (payment.customer, payment.slot) for payment in history.payments}
    true = {
        "booking.confirmed": booked,
        "booking.cancelled": cancelled,
        "payment.refunded": {paid[refund.payment] for refund in history.refunds},
        "payment.failed": {(each.customer, each.slot) for each in history.payments if each.state == "failed"},
    }
    written = {message.word for message in history.messages}
    for word in dict.fromkeys(call.word for call in history.calls):
        is_true = (word.customer, word.slot) in true[word.kind] if word.kind in true else word in written
        if not is_true or word not in written:
            yield Fault(word.customer, f"{_named(word)} was sent and is not true")


def out_of_order(history: History) -> Iterator[Fault]:
    """A message whose first acceptance came after that of a younger one of the same customer, unless it was replayed;
    and messages written in another order than the customer saw things happen.
    """
    first = _first_acceptances(history.calls)
    for customer, messages in _by_customer(history.messages).items():
        arrived = [message for message in messages if message.word in first and not message.replays]
        latest = 0.0
        for message in arrived:
            if first[message.word] < latest:
                yield Fault(customer, f"{_named(message.word)} was overtaken")
            latest = max(latest, first[message.word])
    yield from _order_of_events(history)


def _order_of_events(history: History) -> Iterator[Fault]:
    """What was answered before something else was asked for comes first in the lane as well."""
    ids: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for message in history.messages:
        ids[message.word.customer, message.word.slot, message.word.kind].append(message.id)
    kinds = {"booked": "booking.confirmed", "cancelled": "booking.cancelled"}
    answers: dict[str, list[Answer]] = defaultdict(list)
    for answer in sorted(history.answers, key=lambda answer: answer.answered):
        if answer.what in kinds:
            answers[answer.customer].append(answer)
    for customer, theirs in answers.items():
        for before, after in pairwise(theirs):
            earlier = ids[customer, before.slot, kinds[before.what]]
            later = ids[customer, after.slot, kinds[after.what]]
            if before.answered < after.asked and earlier and later and max(earlier) > min(later):
                yield Fault(customer, f"{before.what} {before.slot} was written after {after.what} {after.slot}")


def overlapping(history: History) -> Iterator[Fault]:
    """Two calls of one customer at the same time. Where a free lock may prove a relay dead, a send that is marked as
    unknown, by a relay that was cut off from the database at that time, does not count.
    """
    unknown = _unknown_attempts(history)
    cuts = [deed for deed in history.deeds if deed.what in CUTS]
    for customer, calls in _calls_by_customer(history.calls).items():
        last: Call | None = None
        for call in calls:
            if last is not None and call.began < last.ended:
                is_excused = not history.is_strict and unknown[last.word] and _was_cut_off(last, cuts)
                if not is_excused:
                    yield Fault(customer, f"{_named(call.word)} began while {_named(last.word)} was on the wire")
            if last is None or call.ended > last.ended:
                last = call


def unexplained_duplicates(history: History) -> Iterator[Fault]:
    """A message that was accepted more often than once, beyond its attempts of unknown outcome."""
    unknown = _unknown_attempts(history)
    accepted = Counter(call.word for call in history.calls if call.accepted)
    for word, count in accepted.items():
        if count - 1 > unknown[word]:
            yield Fault(word.customer, f"{_named(word)} came {count} times, with {unknown[word]} unknown attempts")


def payments_unaccounted(history: History) -> Iterator[Fault]:
    """A captured payment that is neither one booking nor refunded, or both, or too much of either."""
    bookings = defaultdict(list)
    for booking in history.bookings:
        bookings[booking.payment].append(booking)
    refunded: Counter[str] = Counter()
    for refund in history.refunds:
        refunded[refund.payment] += refund.amount
    for payment in history.payments:
        theirs, given_back = bookings.pop(payment.id, []), refunded[payment.id]
        is_booked = [booking.status for booking in theirs] == ["confirmed"] and given_back == 0
        is_given_back = given_back == payment.amount and all(each.status == "cancelled" for each in theirs)
        if payment.state == "failed":
            is_given_back = not theirs and not given_back
        if not (is_booked or (is_given_back and len(theirs) <= 1)):
            yield Fault(payment.customer, f"payment {payment.id}: {len(theirs)} bookings, {given_back} given back")
    for unpaid in bookings.values():
        for booking in unpaid:
            yield Fault(booking.customer, f"booking {booking.id} was never paid")


def fencing(history: History) -> Iterator[Fault]:
    """A claim that was settled by another process than the one that made it; a move that the lifecycle does not have;
    a claim number that did not rise by one.
    """
    customers = _customers(history)
    claims: dict[tuple[int, int], Transition] = {}
    last: dict[int, Transition] = {}
    for step in history.transitions:
        before = last.get(step.message)
        customer = customers.get(step.message, "")
        if step.became not in MOVES.get(step.was, set()) and step.was not in DEAD | {"sent"}:
            yield Fault(customer, f"message {step.message} went from {step.was or 'nothing'} to {step.became or '-'}")
        if before is not None and step.claim != before.claim + (step.became == "sending"):
            yield Fault(customer, f"message {step.message}: claim {step.claim} followed claim {before.claim}")
        if step.became == "sending":
            if not step.process:
                yield Fault(customer, f"nobody says who made claim {step.claim} of message {step.message}")
            claims[step.message, step.claim] = step
        elif step.was == "sending":
            claim = claims.get((step.message, step.claim))
            is_rescue = claim is not None and step.rescues > claim.rescues and step.became == "pending"
            if claim is None or not (is_rescue or claim.process == step.process):
                maker = claim.process if claim else "nobody"
                yield Fault(
                    customer, f"claim {step.claim} of message {step.message}, by {maker}, was settled by {step.process}"
                )
        last[step.message] = step


def two_heads(history: History) -> Iterator[Fault]:
    """A lane with two messages that may be claimed or are being sent."""
    customers = _customers(history)
    heads: dict[str, set[int]] = defaultdict(set)
    for step in history.transitions:
        customer = customers.get(step.message)
        if customer is None:
            continue
        if step.became in HEAD:
            heads[customer].add(step.message)
        else:
            heads[customer].discard(step.message)
        if len(heads[customer]) > 1:
            yield Fault(customer, f"messages {sorted(heads[customer])} led the lane together")


def stranded(history: History) -> Iterator[Fault]:
    """A message that is not finished though nothing happens any more."""
    for message in history.messages:
        if message.status not in TERMINAL:
            yield Fault(message.word.customer, f"{_named(message.word)} is still {message.status}")


def resurrected(history: History) -> Iterator[Fault]:
    """A finished message that changed, or vanished, without a replay on record."""
    replays = {message.id: message.replays for message in history.messages}
    customers = _customers(history)
    moved: Counter[int] = Counter()
    for step in history.transitions:
        if step.was in TERMINAL:
            moved[step.message] += 1
            is_replay = step.was == "failed" and step.became in MOVES["failed"]
            if not is_replay or moved[step.message] > replays.get(step.message, 0):
                yield Fault(
                    customers.get(step.message, ""),
                    f"message {step.message} went from {step.was} to {step.became or 'nothing'}",
                )


def unrecorded(history: History) -> Iterator[Fault]:
    """A send without an attempt on record; a claim that was sent or rescued without one."""
    customers = _customers(history)
    attempts: dict[Word, int] = Counter()
    words = {message.id: message.word for message in history.messages}
    recorded: dict[tuple[int, int], str] = {}
    for attempt in history.attempts:
        if attempt.message in words:
            attempts[words[attempt.message]] += 1
        recorded[attempt.message, attempt.claim] = attempt.answer
    for word, count in Counter(call.word for call in history.calls).items():
        if count > attempts[word]:
            yield Fault(word.customer, f"{_named(word)} was handed over {count} times, {attempts[word]} on record")
    rescues: dict[int, int] = {}
    for step in history.transitions:
        is_rescue = step.rescues > rescues.get(step.message, 0)
        rescues[step.message] = step.rescues
        wanted = "unknown" if is_rescue else "accepted" if step.became == "sent" else None
        if wanted and recorded.get((step.message, step.claim)) != wanted:
            yield Fault(
                customers.get(step.message, ""), f"claim {step.claim} of message {step.message} lacks its attempt"
            )


def wrong_answers(history: History) -> Iterator[Fault]:
    """A customer who was refused what was theirs."""
    for answer in history.answers:
        if answer.what == "refused" and answer.code not in FAIR_REFUSALS:
            yield Fault(answer.customer, f"the payment for {answer.slot} was refused: {answer.code}")


ORACLES: dict[str, Oracle] = {
    "lost": lost,
    "phantom": phantom,
    "out_of_order": out_of_order,
    "overlapping": overlapping,
    "unexplained_duplicates": unexplained_duplicates,
    "payments_unaccounted": payments_unaccounted,
    "fencing": fencing,
    "two_heads": two_heads,
    "stranded": stranded,
    "resurrected": resurrected,
    "unrecorded": unrecorded,
    "wrong_answers": wrong_answers,
}


def _named(word: Word) -> str:
    return f"{word.kind} of {word.slot} by {word.channel}"


def _first_acceptances(calls: Iterable[Call]) -> dict[Word, float]:
    first: dict[Word, float] = {}
    for call in calls:
        if call.accepted:
            first[call.word] = min(call.began, first.get(call.word, call.began))
    return first


def _by_customer(messages: Iterable[Message]) -> Mapping[str, list[Message]]:
    found: dict[str, list[Message]] = defaultdict(list)
    for message in sorted(messages, key=lambda message: message.id):
        found[message.word.customer].append(message)
    return found


def _calls_by_customer(calls: Iterable[Call]) -> Mapping[str, list[Call]]:
    found: dict[str, list[Call]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.began):
        found[call.word.customer].append(call)
    return found


def _customers(history: History) -> dict[int, str]:
    return {message.id: message.word.customer for message in history.messages}


def _unknown_attempts(history: History) -> Counter[Word]:
    words = {message.id: message.word for message in history.messages}
    return Counter(
        words[attempt.message]
        for attempt in history.attempts
        if attempt.answer == "unknown" and attempt.message in words
    )


def _was_cut_off(call: Call, cuts: Iterable[Deed]) -> bool:
    return any(cut.began <= call.ended and call.began <= cut.ended + AFTERMATH_SECONDS for cut in cuts)
