"""A cluster for each shard: one that ends is started again, none when all are stopped."""

import sys
import threading
from pathlib import Path

import pytest

from bookings import clusters
from bookings.clusters import Clusters
from tests.stage.waiting import wait_until

# Writes down that it was started for the shard that it is told; north's ends at once, as without a database.
PROGRAM = """
import pathlib, signal, sys, time
with pathlib.Path(sys.argv[1], sys.argv[3]).open("a") as starts:
    starts.write("started\\n")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if sys.argv[3] == "north" or "--run-once" in sys.argv:
    sys.exit(int(sys.argv[3] == "north"))
time.sleep(60)
"""


def starts_of(shard: str, folder: Path) -> int:
    path = folder / shard
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_one_that_ends_is_started_again_and_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "PAUSE_SECONDS", 0.1)
    running, codes = Clusters(["north", "south"], program=[sys.executable, "-c", PROGRAM, str(tmp_path)]), list[int]()
    thread = threading.Thread(target=lambda: codes.append(running.run()))
    thread.start()
    wait_until(lambda: starts_of("north", tmp_path) >= 2 and starts_of("south", tmp_path) == 1, seconds=30)
    running.stop()
    thread.join(30)
    assert not thread.is_alive()
    assert starts_of("south", tmp_path) == 1


def test_run_once_ends_with_all_and_says_whether_one_failed(tmp_path: Path) -> None:
    program = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    assert Clusters(["south"], is_once=True, program=program).run() == 0
    assert Clusters(["north", "south"], is_once=True, program=program).run() == 1
    assert (starts_of("north", tmp_path), starts_of("south", tmp_path)) == (1, 2)
