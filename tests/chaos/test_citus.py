"""A campaign on Citus: what it needs, and that its witness names the right process. CITUS_URL has it run, too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.citus import named
from tests.chaos.history import Transition
from tests.stage.citus import ABSENT, CITUS_URL

ROOT = Path(__file__).resolve().parent.parent.parent


def chaos(*arguments: str, url: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != CITUS_URL}
    environment |= {CITUS_URL: url} if url else {}
    command = [sys.executable, "-m", "tests.chaos", "--citus", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_without_citus_it_says_so_and_is_skipped() -> None:
    skipped = chaos()
    assert (skipped.returncode, skipped.stdout, skipped.stderr) == (0, f"{ABSENT}\n", "")


@pytest.mark.parametrize("other", ["--failover", "--routes"])
def test_servers_of_others_are_not_killed(other: str) -> None:
    refused = chaos(other, url="postgresql://postgres@127.0.0.1:1/tenants")
    assert refused.returncode == 2
    assert "goes without --failover and --routes" in refused.stderr


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://postgres@127.0.0.1:1/tenants", "onnection refused"),
        ("postgresql://postgres@127.0.0.1:1", "CITUS_URL names no dbname"),
        ("postgresql:///tenants", "CITUS_URL names no host"),
        ("nonsense", "CITUS_URL cannot be read"),
    ],
)
def test_a_server_that_is_not_there_is_one_line(url: str, why: str) -> None:
    broken_off = chaos(url=url)
    assert broken_off.returncode == 1
    assert "Traceback" not in broken_off.stderr
    assert why in broken_off.stderr


def test_the_witness_names_the_process_that_had_entered_its_session_by_then() -> None:
    """PostgreSQL gives the numbers of processes away again."""
    entered = [(17, 10.0, "relay-1.1"), (18, 11.0, "web.1"), (17, 20.0, "relay-2.4")]
    steps = [
        Transition(at, 1, 1, 0, "pending", "sending", pid)
        for at, pid in (
            (9.0, "0000000017"),
            (15.0, "0000000017"),
            (21.0, "0000000017"),
            (21.0, "0000000018"),
            (1.0, ""),
        )
    ]
    assert [step.process for step in named(steps, entered)] == ["", "relay-1.1", "relay-2.4", "web.1", ""]


@pytest.mark.skipif(not os.environ.get(CITUS_URL), reason=ABSENT)
@pytest.mark.timeout(400)
def test_half_a_minute_there_breaks_no_promise() -> None:
    campaign = chaos("--minutes", "0.5", "--seed", "1", "--rate", "3", url=os.environ[CITUS_URL])
    assert campaign.returncode == 0, campaign.stdout + campaign.stderr
