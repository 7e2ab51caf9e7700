"""deploy/systemd: units that systemd takes, and whose commands are the project's."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deployment.conftest import PROGRAMS, ROOT

UNITS = sorted((ROOT / "deploy" / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


@pytest.fixture
def installed(tmp_path: Path) -> list[Path]:
    """The units as installed on a machine whose /opt/bookings is this checkout."""
    for unit in UNITS:
        text = unit.read_text().replace("/opt/bookings/.venv/bin", str(PROGRAMS)).replace("/opt/bookings", str(ROOT))
        (tmp_path / unit.name).write_text(re.sub(r"^User=.*$", "User=daemon", text, flags=re.MULTILINE))
    return [tmp_path / unit.name.replace("@.", "@1.") for unit in UNITS]


def verified(*units: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], check=False, capture_output=True, text=True
    )


def test_systemd_finds_nothing_wrong(installed: list[Path]) -> None:
    done = verified(*installed)
    about_us = [line for line in done.stderr.splitlines() if "bookings" in line]

    assert done.returncode == 0, done.stderr
    assert about_us == []


def test_a_wrong_line_would_be_found(installed: list[Path]) -> None:
    (web,) = (unit for unit in installed if unit.name == "bookings-web.service")
    web.write_text(web.read_text().replace("Restart=always", "Restart=perhaps"))

    assert "perhaps" in verified(web).stderr


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_services_are_locked_down(unit: Path) -> None:
    lines = set(unit.read_text().splitlines())

    assert {"NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes", "CapabilityBoundingSet="} <= lines
    assert f"User={unit.stem.rstrip('@')}" in lines, "processes of one user can read each other's secrets"


def test_a_relay_has_longer_to_end_than_its_grace() -> None:
    text = (ROOT / "deploy" / "systemd" / "bookings-relay@.service").read_text()
    grace = float(re.search(r"--grace (\d+)", text)[1])
    until_killed = float(re.search(r"TimeoutStopSec=(\d+)", text)[1])

    assert until_killed > grace
    assert "KillMode=mixed" in text, "the supervisor passes the signal on: a second one would end the grace"
