"""`make chaos` as a command: what it refuses, and that it leaves nothing behind. CI runs a campaign as well."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.plan import plan
from tests.stage.embedded import has_ended
from tests.stage.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.chaos", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  (a shell's `&` ignores it)
    )


def descendants(number: int) -> list[int]:
    children = [int(each) for each in Path(f"/proc/{number}/task/{number}/children").read_text().split()]
    return children + [each for child in children for each in descendants(child)]


@pytest.mark.parametrize("arguments", [("--minutes", "0"), ("--seed", "x")])
def test_a_campaign_refuses_bad_arguments(arguments: tuple[str, ...]) -> None:
    chaos = start(*arguments)
    output, _ = chaos.communicate(timeout=60)
    assert chaos.returncode == 2, output
    assert "Traceback" not in output


def test_the_plan_can_be_read_beforehand() -> None:
    output, _ = start("--plan", "--seed", "3", "--minutes", "1").communicate(timeout=60)
    assert output.splitlines() == [str(fault) for fault in plan(seed=3, minutes=1)]


def test_ctrl_c_leaves_nothing_running_and_nothing_mounted() -> None:
    chaos = start("--minutes", "1", "--seed", "1", "--rate", "6")
    assert chaos.stdout
    assert "make chaos ARGS='--minutes 1 --seed 1 --rate 6 --outage 5'" in chaos.stdout.readline()
    for line in chaos.stdout:
        if "0 s of 60" in line:
            break
    processes = descendants(chaos.pid)
    assert len(processes) >= 9, "PostgreSQL, gateway, providers, network, web, three relays, customers"
    chaos.send_signal(signal.SIGINT)
    output, _ = chaos.communicate(timeout=90)
    assert chaos.returncode == 130, output
    assert "nothing is left running" in output
    wait_until(lambda: all(map(has_ended, processes)))
    assert f"chaos-{chaos.pid}" not in Path("/proc/mounts").read_text()
