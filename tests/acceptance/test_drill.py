"""`make drill`: a trouble is brought about in the demo, is mended from the board, and nothing is left running."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from bookings import orders, seats
from bookings.models import Setback
from bookings.troubles import OWN
from config.demo import drill, drills
from notifications.policy.runbook import TROUBLES
from tests.acceptance.test_demo import children_of, demo_database
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.stage.admin_forms import fields_of
from tests.stage.embedded import has_ended
from tests.stage.gateway import GatewayProcess
from tests.stage.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
__all__ = ["demo_database"]


def start(url: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "config.demo.drill", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.demo.settings"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  (a shell's `&` ignores it)
    )


def read_until(running: subprocess.Popen[str], pattern: str) -> str:
    """What it prints, until a line holds the pattern."""
    assert running.stdout is not None
    said = ""
    while not re.search(pattern, said):
        line = running.stdout.readline()
        assert line, said
        said += line
    return said


@pytest.mark.django_db(transaction=True)
def test_a_paused_channel_is_resumed_from_the_board_and_judged_to_be_mended(demo_database: str) -> None:
    running = start(demo_database, "--name", "paused", "--minutes", "3")
    board = re.findall(r"The board +(\S+)", read_until(running, "You have 3 minutes"))[0]
    web = board.removesuffix("/admin/outbox/")
    ours = children_of(running.pid)
    with requests.Session() as session:
        page = session.get(f"{web}/admin/login/").text
        login = {"username": "admin", "password": "demo", "next": "/admin/outbox/"}
        page = session.post(f"{web}/admin/login/", data=login | _token(page)).text
        todo = re.findall(r'href="(/admin/outbox/runbook/paused/[^"]*)"', page)[0]
        resume = re.findall(r'href="([^"]*/sms/resume/)"', session.get(web + todo).text)[0]
        page = session.get(web + resume).text
        assert session.post(web + resume, data=fields_of(page) | _token(page)).ok
    output, _ = running.communicate(timeout=120)
    assert running.returncode == 0, output
    assert "Mended after" in output
    wait_until(lambda: all(map(has_ended, ours)))


def _token(page: str) -> dict[str, str]:
    return {"csrfmiddlewaretoken": re.findall('name="csrfmiddlewaretoken" value="([^"]*)"', page)[0]}


def test_every_drill_has_its_page_in_the_runbook_and_is_offered_by_name() -> None:
    assert tuple(drills.DRILLS) == drill.NAMES
    assert set(drill.NAMES) <= set(TROUBLES)
    listed = subprocess.run(
        [sys.executable, "-m", "config.demo.drill", "--list"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert tuple(listed.stdout.split()) == drill.NAMES


@pytest.mark.parametrize("minutes", ["0", "-1", "x", "nan", "inf"])
def test_a_time_that_is_none_is_refused(minutes: str) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "config.demo.drill", "--minutes", minutes],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 2


@pytest.mark.django_db(transaction=True)
def test_a_setback_lasts_until_its_row_is_mended(payment_gateway: GatewayProcess) -> None:
    """It had been brought about by what no longer fails, and the drill ended at once."""
    scene: Any = SimpleNamespace(shoppers=[CustomerFactory()], orders=[])
    slot = SlotFactory()
    scene.order = lambda customer: scene.orders.append(orders.open_order(user=customer, slot_id=slot.pk, quantity=1).pk)
    scene.start_schedules = orders.release_all_lapsed_holds
    setback = drills.DRILLS["setback"]
    setback.bring_about(scene)
    assert not setback.is_mended(scene)
    assert {each.trouble.name: each.find() for each in OWN}["setback"].startswith("1 row fails again and again")
    seats.repair(slot.pk)
    Setback.objects.all().delete()
    orders.release_all_lapsed_holds()
    assert setback.is_mended(scene)
