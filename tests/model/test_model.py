"""The protocol's models: with all its guards no interleaving breaks a promise; without any one, some does.

outbox.pml is a lane of two messages; routes.pml is one message over two routes, and is compiled once for all guards.

`spin -a outbox.pml && gcc -O2 -o pan pan.c && ./pan -E` in a folder of its own does by hand what is done here; after a
broken promise `spin -t outbox.pml` shows the way there. -DFAULTS=2 lets two things go wrong instead of one.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

MODEL, ROUTES = (Path(__file__).with_name(name) for name in ("outbox.pml", "routes.pml"))
DEEPEST = 100_000  # steps: the search says so if a run were longer

pytestmark = pytest.mark.skipif(
    not (shutil.which("spin") and shutil.which("gcc")), reason="needs spin and gcc (Debian: spin gcc libc6-dev)"
)

REMOVED = {  # guard: the promise that does not survive without it
    "NO_LANE_LOCK": "STRANDED",
    "PUBLISH_IN_ONE_STATEMENT": "STRANDED",
    "SETTLE_IN_ONE_STATEMENT": "STRANDED",
    "NO_RESCUE": "STRANDED",
    "NO_RETURN": "STRANDED",
    "NO_FENCING": "STALE",
    "REPLAY_RESETS_CLAIM_NUMBER": "STALE",
    "NO_LEASE_CHECK": "OVERLAP",
    "OLD_CLAIM_UNDER_NEW_LEASE": "OVERLAP",
    "BURY_THE_LIVING": "OVERLAP",
    "SAME_NUMBER_AGAIN": "OVERLAP",
    "RETURN_IN_HAND": "OVERLAP",
    "SEND_OUTLIVES_LEASE": "OVERLAP",  # not a guard but what is assumed: a send ends within the lease
}


OF_ROUTES = ("FIRST_ASKED", "RIGHT_ONE", "WRITTEN", "LOST_IS_LOST", "BOUND", "SILENCE", "RENEWED")  # by their numbers


class Verdict(NamedTuple):
    """Of a search: how many promises were seen to break (it ends at the first), over how many states."""

    broken: int
    states: int
    is_exhaustive: bool


def search(folder: Path, *macros: str, for_cycles: bool = False) -> Verdict:
    """Search every interleaving of the model, compiled with `macros`; `for_cycles`: for runs that go round for ever.

    Compiling takes longer than most searches, so nothing is optimized.
    """
    run(folder, "spin", "-a", *(f"-D{macro}" for macro in macros), str(MODEL))
    run(folder, "gcc", "-O0", "-w", "-DNP" if for_cycles else "-DSAFETY", "-o", "pan", "pan.c")
    return verdict_of(folder, *(["-l"] if for_cycles else []))


def verdict_of(folder: Path, *options: str, **environment: str) -> Verdict:
    """What the search that is compiled in the folder comes to."""
    report = run(folder, "./pan", "-E", f"-m{DEEPEST}", "-w22", *options, **environment)
    errors, states = (re.search(pattern, report) for pattern in (r"errors: (\d+)", r"(\d+) states, stored"))
    assert errors, report
    is_cut = "Search not completed" in report or "search depth too small" in report
    return Verdict(int(errors[1]), int(states[1]) if states else 0, is_exhaustive=not is_cut)


def run(folder: Path, *command: str, **environment: str) -> str:
    ended = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=100, check=True
    )
    return ended.stdout


def test_no_interleaving_breaks_a_promise(tmp_path: Path) -> None:
    verdict = search(tmp_path)

    print(f"{verdict.states:,} states")
    assert verdict.broken == 0
    assert verdict.is_exhaustive
    assert verdict.states > 100_000, "so few states: the model has come to rest too early"


def test_every_run_comes_to_rest(tmp_path: Path) -> None:
    """No interleaving goes round in circles: so what is at rest is all that could be left behind."""
    assert search(tmp_path, "NO_REPLAY", for_cycles=True).broken == 0


@pytest.mark.parametrize(("guard", "promise"), REMOVED.items())
def test_each_guard_is_needed(guard: str, promise: str, tmp_path: Path) -> None:
    assert search(tmp_path, guard, f"ONLY={promise}").broken == 1


def test_the_unique_index_is_a_second_line_behind_the_lanes_lock(tmp_path: Path) -> None:
    """With the lock nobody ever runs into it. Without the lock two publishers do: nothing goes out at once."""
    alone = ("NO_LANE_LOCK", "NO_REPLAY", "ONLY=OVERLAP")

    assert search(tmp_path, *alone).broken == 0
    assert search(tmp_path, *alone, "NO_UNIQUE_HEAD").broken == 1


def test_a_message_may_change_its_route_only_as_the_guards_allow(tmp_path: Path) -> None:
    """G6 over routes: after a certain refusal at once; after a lost answer once the provider said no, or time is up."""
    run(tmp_path, "spin", "-a", str(ROUTES))
    run(tmp_path, "gcc", "-O0", "-w", "-DSAFETY", "-o", "pan", "pan.c")

    guarded = verdict_of(tmp_path)
    assert (guarded.broken, guarded.is_exhaustive) == (0, True)
    assert guarded.states > 100_000
    for number, guard in enumerate(OF_ROUTES, start=1):
        assert verdict_of(tmp_path, GUARD=str(number), ONLY="1").broken == 1, guard
    assert verdict_of(tmp_path, GUARD="3", ONLY="2").broken == 1, "what nobody wrote down is not on record"
