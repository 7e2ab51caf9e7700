"""Judges a campaign by its history alone: pure functions, one for each thing that must not have happened.

Those here look at what customers, providers and the gateway saw; `codes` has those about codes and accounts,
`over_routes` that about several providers, and `witnessed` those that look at the rows as well.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise

from notifications.lifecycle import TERMINAL
from tests.chaos import codes, over_routes, witnessed
from tests.chaos.history import Answer, Call, Deed, Finding, History, Message, Word

CHANNELS = ("sms", "whatsapp", "email")
DEAD = TERMINAL - {"sent"}
FAIR_REFUSALS = frozenset({"sold_out", "order_already_paid", "payment_not_captured"})
# What can cut a relay off from the database while its send is on the wire, and how long after it that can be seen.
CUTS = frozenset({"cut", "stall", "slow", "restart", "failover", "fill"})
AFTERMATH_SECONDS = 6.0


Lane = tuple[str, bool]
Oracle = Callable[[History], Iterator[Finding]]


def judge(history: History) -> dict[str, list[Finding]]:
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


def lost(history: History) -> Iterator[Finding]:
    """A booking that was confirmed and is not there; a message that neither arrived nor is in the dead letter."""
    there = {booking.id for booking in history.bookings}
    for answer in history.answers:
        if answer.what == "booked" and answer.booking not in there:
            yield Finding(answer.customer, f"booking {answer.booking} was confirmed and is gone")
    arrived = {call.word for call in history.calls if call.accepted}
    dead = {message.word for message in history.messages if message.status in DEAD}
    for word in promised(history):
        if word not in arrived and word not in dead:
            yield Finding(word.customer, f"{word.told()} never arrived")
    for message in history.messages:
        if message.status == "sent" and message.word not in arrived:
            yield Finding(message.word.customer, f"{message.word.told()} counts as sent and never arrived")
    for booking in history.bookings:
        missing = set(CHANNELS) - {note.channel for note in booking.notifications if note.kind == "booking.confirmed"}
        for channel in sorted(missing):
            yield Finding(booking.customer, f"booking {booking.id} has no message on {channel}")


def phantom(history: History) -> Iterator[Finding]:
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
            yield Finding(word.customer, f"{word.told()} was sent and is not true")


def out_of_order(history: History) -> Iterator[Finding]:
    """A message whose first acceptance came after that of a younger one in the same lane, unless it was replayed;
    and messages written in another order than the customer saw things happen.
    """
    first = _first_acceptances(history.calls)
    for (customer, _), messages in _by_lane(history.messages).items():
        arrived = [message for message in messages if message.word in first and not message.replays]
        latest = 0.0
        for message in arrived:
            if first[message.word] < latest:
                yield Finding(customer, f"{message.word.told()} was overtaken")
            latest = max(latest, first[message.word])
    yield from _order_of_events(history)


def _order_of_events(history: History) -> Iterator[Finding]:
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
                yield Finding(customer, f"{before.what} {before.slot} was written after {after.what} {after.slot}")


def overlapping(history: History) -> Iterator[Finding]:
    """Two calls of one lane at the same time. Where a free lock may prove a relay dead, a send that is marked as
    unknown, by a relay that was cut off from the database at that time, does not count.
    """
    unknown = _unknown_attempts(history)
    cuts = [deed for deed in history.deeds if deed.what in CUTS]
    for (customer, _), calls in _calls_by_lane(history.calls).items():
        last: Call | None = None
        for call in calls:
            if last is not None and call.began < last.ended:
                is_excused = not history.is_strict and unknown[last.word] and _was_cut_off(last, cuts)
                if not is_excused:
                    yield Finding(customer, f"{call.word.told()} began while {last.word.told()} was on the wire")
            if last is None or call.ended > last.ended:
                last = call


def unexplained_duplicates(history: History) -> Iterator[Finding]:
    """A message that was accepted more often than once, beyond its attempts of unknown outcome."""
    unknown = _unknown_attempts(history)
    accepted = Counter(call.word for call in history.calls if call.accepted)
    for word, count in accepted.items():
        if count - 1 > unknown[word]:
            yield Finding(word.customer, f"{word.told()} came {count} times, with {unknown[word]} unknown attempts")


def payments_unaccounted(history: History) -> Iterator[Finding]:
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
            yield Finding(payment.customer, f"payment {payment.id}: {len(theirs)} bookings, {given_back} given back")
    for unpaid in bookings.values():
        for booking in unpaid:
            yield Finding(booking.customer, f"booking {booking.id} was never paid")


def wrong_answers(history: History) -> Iterator[Finding]:
    """A customer who was refused what was theirs."""
    for answer in history.answers:
        if answer.what == "refused" and answer.code not in FAIR_REFUSALS:
            yield Finding(answer.customer, f"what was theirs for {answer.slot} was refused: {answer.code}")


def miscounted(history: History) -> Iterator[Finding]:
    """The report of usage says otherwise than the providers counted: messages by kind and channel, and their cost."""
    if not history.usage:
        return
    someone = next((message.word.customer for message in history.messages), "")
    dead = {message.word for message in history.messages if message.status in DEAD}
    taken = {call.word for call in history.calls if call.accepted} - dead
    counted = {(each.kind, each.channel): each.sent for each in history.usage if each.sent}
    seen = Counter((word.kind, word.channel) for word in taken)
    for kind, channel in sorted(counted.keys() | seen.keys()):
        ours, theirs = counted.get((kind, channel), 0), seen[kind, channel]
        if ours != theirs:
            yield Finding(someone, f"{kind} by {channel} was sent {theirs} times, and is counted {ours} times")
    charged = [call for call in history.calls if call.sid in history.priced and call.price is not None]
    theirs_all = len(charged), sum(call.segments for call in charged), sum(call.price or 0 for call in charged)
    ours_all = tuple(sum(getattr(each, name) for each in history.usage) for name in ("priced", "segments", "cost"))
    if not charged and any(call.accepted and call.sid for call in history.calls):
        yield Finding(someone, "nobody asked for a price")
    if ours_all != theirs_all:
        yield Finding(someone, f"copies, segments and cost are {theirs_all}, and are counted as {ours_all}")


ORACLES: dict[str, Oracle] = {
    "lost": lost,
    "phantom": phantom,
    "out_of_order": out_of_order,
    "overlapping": overlapping,
    "unexplained_duplicates": unexplained_duplicates,
    "moved_too_soon": over_routes.moved_too_soon,
    "payments_unaccounted": payments_unaccounted,
    "fencing": witnessed.fencing,
    "two_heads": witnessed.two_heads,
    "stranded": witnessed.stranded,
    "resurrected": witnessed.resurrected,
    "unrecorded": witnessed.unrecorded,
    "wrong_answers": wrong_answers,
    "codes_lost": codes.codes_lost,
    "late": codes.late,
    "wrong_accounts": codes.wrong_accounts,
    "miscounted": miscounted,
}


def _first_acceptances(calls: Iterable[Call]) -> dict[Word, float]:
    first: dict[Word, float] = {}
    for call in calls:
        if call.accepted:
            first[call.word] = min(call.began, first.get(call.word, call.began))
    return first


def _by_lane(messages: Iterable[Message]) -> Mapping[Lane, list[Message]]:
    found: dict[Lane, list[Message]] = defaultdict(list)
    for message in sorted(messages, key=lambda message: message.id):
        found[message.word.lane].append(message)
    return found


def _calls_by_lane(calls: Iterable[Call]) -> Mapping[Lane, list[Call]]:
    found: dict[Lane, list[Call]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.began):
        found[call.word.lane].append(call)
    return found


def _unknown_attempts(history: History) -> Counter[Word]:
    words = {message.id: message.word for message in history.messages}
    return Counter(
        words[attempt.message]
        for attempt in history.attempts
        if attempt.answer == "unknown" and attempt.message in words
    )


def _was_cut_off(call: Call, cuts: Iterable[Deed]) -> bool:
    return any(cut.began <= call.ended and call.began <= cut.ended + AFTERMATH_SECONDS for cut in cuts)
