"""The oracle of messages that moved from one route to another (G6)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from notifications.lifecycle import ADOPTED, SENT_AGAIN
from tests.chaos.history import Attempt, Call, Finding, History, Word

KEYED = frozenset({"resend"})  # asked by the same request with the same key: what it does not have, it has then
LOOK_SECONDS = 0.05  # by which the clocks of the database and of a provider's journal are read apart


def moved_too_soon(history: History) -> Iterator[Finding]:
    """A message that was accepted, and then again, be it over another route, although no attempt over the first route
    was known to be of unknown outcome by then; and a copy that is not marked.
    """
    attempts = attempts_by_word(history)
    accepted: dict[Word, list[Call]] = defaultdict(list)
    for call in sorted(history.calls, key=lambda call: call.began):
        if call.accepted:
            accepted[call.word].append(call)
    for word, calls in accepted.items():
        unknown = [attempt for attempt in attempts.get(word, ()) if attempt.answer == "unknown"]
        for first, again in pairwise(calls):
            explaining = next((each for each in unknown if _explains(each, first, again)), None)
            if explaining is None:
                way = f"{first.route or '-'} and {again.route or '-'}"
                yield Finding(word.customer, f"{word.told()} was accepted over {way}, and the first was not in doubt")
            else:
                unknown.remove(explaining)
        for attempt in attempts.get(word, ()) if len(calls) > 1 else ():
            if attempt.answer == "accepted" and attempt.code not in (SENT_AGAIN, ADOPTED):
                yield Finding(word.customer, f"{word.told()} came {len(calls)} times and is not marked")


def _explains(attempt: Attempt, first: Call, again: Call) -> bool:
    """Of a relay that was stopped just before its call, given up as lost, and called after its successor, the doubt is
    about the later call.
    """
    if attempt.route == first.route and attempt.ended <= again.began + LOOK_SECONDS:
        return True
    return attempt.route == again.route and attempt.ended <= first.began + LOOK_SECONDS


def attempts_by_word(history: History) -> Mapping[Word, Sequence[Attempt]]:
    words = {message.id: message.word for message in history.messages}
    found: dict[Word, list[Attempt]] = defaultdict(list)
    for attempt in history.attempts:
        if attempt.message in words:
            found[words[attempt.message]].append(attempt)
    return found


def is_question(call: Call, attempts: Sequence[Attempt]) -> bool:
    """Whether `call` may have been a question about an earlier one, which needs no attempt of its own on record."""
    return call.route in KEYED and any(
        each.answer == "unknown" and each.route == call.route and each.ended <= call.began + LOOK_SECONDS
        for each in attempts
    )
