"""How soon messages went out, over which routes, and how soon relays followed an operator: read from the history."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

from tests.chaos.history import Call, Deed, History, Word

FOLLOW_SECONDS = 1.0  # within which all relays follow a pause or a move


@dataclass(frozen=True, slots=True)
class Spread:
    """Of some figures in seconds: how many there are, their median, 99th percentile and the most."""

    count: int
    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, figures: Iterable[float]) -> "Spread":
        found = sorted(figures)
        if not found:
            return cls(0, 0.0, 0.0, 0.0)
        middle, late = found[len(found) // 2], found[min(len(found) - 1, -(-99 * len(found) // 100) - 1)]
        return cls(len(found), round(middle, 3), round(late, 3), round(found[-1], 3))


def turns(history: History) -> dict[int, float]:
    """When each message's turn came: it led its lane, and might be claimed."""
    found: dict[int, float] = {}
    for step in history.transitions:
        if step.became in ("pending", "sending"):
            found.setdefault(step.message, step.at)
    return found


def waits(history: History, channel: str, *, begin: float = -inf, end: float = inf) -> Iterator[float]:
    """Seconds from each message's turn, if that came between `begin` and `end`, until a provider had it; inf: none."""
    first: dict[Word, float] = {}
    for call in history.calls:
        if call.accepted:
            first[call.word] = min(call.began, first.get(call.word, inf))
    at = turns(history)
    for message in history.messages:
        turn = at.get(message.id)
        if message.word.channel == channel and turn is not None and begin <= turn < end:
            yield max(0.0, first.get(message.word, inf) - turn)


def accepted_over(history: History, channel: str, *, begin: float = -inf, end: float = inf) -> Counter[str]:
    """How many messages each route's provider accepted in that time."""
    return Counter(
        call.route
        for call in history.calls
        if call.accepted and call.word.channel == channel and begin <= call.began < end
    )


def doubles(history: History) -> int:
    """How many messages a provider accepted though one had accepted them before."""
    accepted = [call.word for call in history.calls if call.accepted]
    return len(accepted) - len(set(accepted))


def followed_in(history: History, deed: Deed, *, channel: str, left: str) -> float:
    """Seconds after `deed` at which the last call over the route `left` began that it should have kept back."""
    late = _calls_over(history.calls, channel, left, begin=deed.began, end=deed.ended)
    return max((call.began - deed.began for call in late), default=0.0)


def relays_that_sent(history: History, channel: str, *, begin: float, end: float) -> set[str]:
    """The relays that claimed a message of the channel in that time."""
    of_channel = {message.id for message in history.messages if message.word.channel == channel}
    return {
        step.process
        for step in history.transitions
        if step.became == "sending" and step.message in of_channel and begin <= step.at < end
    }


def _calls_over(calls: Iterable[Call], channel: str, route: str, *, begin: float, end: float) -> Sequence[Call]:
    return [
        call for call in calls if call.word.channel == channel and call.route == route and begin <= call.began < end
    ]
