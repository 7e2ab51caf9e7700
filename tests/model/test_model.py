"""The protocol's model, outbox.pml: with all its guards no interleaving breaks a promise; without any one, some does.

`spin -a outbox.pml && gcc -O2 -o pan pan.c && ./pan -E` in a folder of its own does by hand what is done here; after a
broken promise `spin -t outbox.pml` shows the way there. -DFAULTS=2 lets two things go wrong instead of one.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

MODEL = Path(__file__).with_name("outbox.pml")
DEEPEST = 100_000  # steps: the search says so if a run were longer

pytestmark = pytest.mark.skipif(
    not (shutil.which("spin") and shutil.which("gcc")), reason="needs spin and gcc (Debian: spin gcc libc6-dev)"
)

REMOVED = {  # guard: the promise that does not survive without it
    "NO_LANE_LOCK": "STRANDED",
    "PUBLISH_IN_ONE_STATEMENT": "STRANDED",
    "SETTLE_IN_ONE_STATEMENT": "STRANDED",
    "NO_RESCUE": "STRANDED",
    "NO_FENCING": "STALE",
    "REPLAY_RESETS_CLAIM_NUMBER": "STALE",
    "NO_LEASE_CHECK": "OVERLAP",
    "OLD_CLAIM_UNDER_NEW_LEASE": "OVERLAP",
    "BURY_THE_LIVING": "OVERLAP",
    "SAME_NUMBER_AGAIN": "OVERLAP",
    "SEND_OUTLIVES_LEASE": "OVERLAP",  # not a guard but what is assumed: a send ends within the lease
}


class Verdict(NamedTuple):
    """Of a search: how many promises were seen to break (it ends at the first), over how many states."""

    broken: int
    states: int
    is_exhaustive: bool


def search(folder: Path, *macros: str, for_cycles: bool = False) -> Verdict:
    """Search every interleaving of the model, compiled with `macros`; `for_cycles`: for runs that go round for ever."""
    run(folder, "spin", "-a", *(f"-D{macro}" for macro in macros), str(MODEL))
    run(folder, "gcc", "-O1", "-w", "-DNP" if for_cycles else "-DSAFETY", "-o", "pan", "pan.c")
    report = run(folder, "./pan", "-E", f"-m{DEEPEST}", "-w22", *(["-l"] if for_cycles else []))
    errors, states = (re.search(pattern, report) for pattern in (r"errors: (\d+)", r"(\d+) states, stored"))
    assert errors, report
    is_cut = "Search not completed" in report or "search depth too small" in report
    return Verdict(int(errors[1]), int(states[1]) if states else 0, is_exhaustive=not is_cut)


def run(folder: Path, *command: str) -> str:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=True).stdout


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
