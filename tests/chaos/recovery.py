"""How fast things went on after a fault: measured from the history, where nothing else stood in the way."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf

from tests.chaos.failover import Failover, failovers
from tests.chaos.history import Deed, History

OBSTACLES = frozenset({"cut", "stall", "slow", "restart", "failover", "fill", "mood"})
OF_THE_DATABASE = ("database", "disk")  # targets that stand in the way of a rescue
KILL_WINDOW_SECONDS, RESTART_WINDOW_SECONDS = 2.5, 5.0
SETTLING_SECONDS = 6.0  # a mood's end leaves a provider out of service for a while, and a rising rate after it


@dataclass(frozen=True, slots=True)
class Recovery:
    """Seconds, sorted: from a kill until the last of what the relay held was free again; from the moment the database
    answered until a relay sent again. `failovers`: how each primary was lost, and who was back after how long.
    """

    kill_seconds: tuple[float, ...]
    restart_seconds: tuple[float, ...]
    failovers: tuple[Failover, ...] = ()


def measure(history: History) -> Recovery:
    return Recovery(
        tuple(sorted(_after_kills(history))), tuple(sorted(_after_restarts(history))), tuple(failovers(history))
    )


def _after_kills(history: History) -> Iterator[float]:
    """What a killed relay had claimed, and when somebody else freed it."""
    claimed: dict[str, list[tuple[float, int, int]]] = defaultdict(list)
    left: dict[tuple[int, int], float] = {}
    for step in history.transitions:
        if step.became == "sending":
            claimed[step.process].append((step.at, step.message, step.claim))
        elif step.was == "sending":
            left[step.message, step.claim] = step.at
    for kill in history.deeds:
        if kill.what != "kill" or not kill.process.startswith("relay"):
            continue
        obstacles = [deed for deed in history.deeds if deed.target.startswith(OF_THE_DATABASE)]
        if _is_disturbed(obstacles, kill.began - KILL_WINDOW_SECONDS, kill.began + KILL_WINDOW_SECONDS):
            continue
        freed = [
            left[message, claim]
            for at, message, claim in claimed[kill.process]
            if at <= kill.began <= left.get((message, claim), 0.0)
        ]
        if freed:
            yield max(freed) - kill.began


def _after_restarts(history: History) -> Iterator[float]:
    """From the moment when the server answered and there was something to send."""
    began = sorted(call.began for call in history.calls)
    for restart in history.deeds:
        if restart.what != "restart":
            continue
        others = [deed for deed in history.deeds if deed is not restart]
        if _is_disturbed(others, restart.began - SETTLING_SECONDS, restart.ended + RESTART_WINDOW_SECONDS):
            continue
        ready = _first_pending(history, restart.ended)
        later = [at for at in began if at > ready]
        if later:
            yield later[0] - ready


def _first_pending(history: History, at: float) -> float:
    """When, from `at` on, a message first could be claimed."""
    pending: set[int] = set()
    for step in history.transitions:
        if step.at > at and (pending or step.became == "pending"):
            return at if pending else step.at
        if step.became == "pending":
            pending.add(step.message)
        else:
            pending.discard(step.message)
    return inf


def _is_disturbed(deeds: Iterable[Deed], begin: float, end: float) -> bool:
    return any(deed.what in OBSTACLES and deed.began < end and deed.ended > begin for deed in deeds)
