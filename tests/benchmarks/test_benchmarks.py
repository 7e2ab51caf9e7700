"""The benchmarks measure, name what is missing, and take nobody's word for it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.charts import bars
from tests.benchmarks.contenders import NAMES
from tests.benchmarks.contenders.node_peers import NODE
from tests.benchmarks.drain import verify
from tests.benchmarks.work import Delivery, Failed, Work

ROOT = Path(__file__).resolve().parent.parent.parent
FOUR_OF_TWO_USERS = Work(messages=4, users=2)


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.benchmarks", "--quick", *arguments]
    return subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)


def sent(number: int, user: int, began: float, settled: float) -> Delivery:
    return Delivery(number, user, began, began, settled)


def in_turn() -> list[Delivery]:
    return [sent(1, 1, 0.0, 0.1), sent(2, 2, 0.0, 0.1), sent(3, 1, 0.1, 0.2), sent(4, 2, 0.2, 0.3)]


def test_a_quick_run_measures_the_relay_and_names_the_peers_that_are_missing() -> None:
    ran = bench("--json", "--case", "real_sms", "drain_10k", "latency_p50_ms", "--contender", *NAMES)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    figures = told["cases"]["drain_10k"]
    assert list(figures) == list(NAMES)
    assert min(figures["relay"], figures["sql_loop"]) > 100
    assert all(figures[name] or told["reasons"]["drain_10k"][name] for name in NAMES)
    assert told["cases"]["latency_p50_ms"]["relay"] > 0
    real = told["cases"]["real_sms"]["relay"], told["cases"]["real_sms_cpu_ms"]["relay"]
    assert all(real) or told["reasons"]["real_sms"]["relay"] == "nginx is not installed"
    assert all(figures[name] for name in ("pg_boss", "graphile_worker")) == NODE.exists()
    assert told["machine"]
    assert told["quick"]


def test_an_unknown_case_is_refused_in_one_line() -> None:
    ran = bench("--case", "drain_11k")
    assert ran.returncode == 1
    assert "There is no case 'drain_11k'" in ran.stderr


def test_work_done_once_and_in_turn_passes() -> None:
    assert verify(in_turn(), FOUR_OF_TWO_USERS, is_complete=True) == 0


def test_a_message_that_is_missing_fails_the_run() -> None:
    with pytest.raises(Failed, match="3 of 4"):
        verify(in_turn()[:3], FOUR_OF_TWO_USERS, is_complete=True)


def test_a_message_that_was_sent_twice_fails_the_run() -> None:
    with pytest.raises(Failed, match="twice"):
        verify([*in_turn(), sent(4, 2, 0.4, 0.5)], FOUR_OF_TWO_USERS, is_complete=True)


@pytest.mark.parametrize(
    ("delivered", "why"),
    [
        ([sent(1, 1, 0.0, 0.2), sent(3, 1, 0.1, 0.3)], "begun before the one ahead of it was settled"),
        ([sent(1, 1, 0.2, 0.3), sent(3, 1, 0.0, 0.1)], "the later one first"),
        ([sent(1, 1, 0.0, 0.1), sent(5, 1, 0.2, 0.3)], "one between them left out"),
    ],
)
def test_what_overtakes_is_counted(delivered: list[Delivery], why: str) -> None:
    assert verify(delivered, FOUR_OF_TWO_USERS, is_complete=False) == 1, why


def test_a_chart_says_where_there_is_no_figure() -> None:
    drawn = bars("Messages per second", {"drain_10k": {"relay": 9000, "celery": None}}, note="today")
    assert drawn.count("<rect") == 1
    assert "no figure" in drawn
