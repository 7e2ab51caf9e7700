"""The files that monitoring begins with load, and name no metric that is not there."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from notifications import telemetry
from notifications.monitoring.outbox_metrics import registry
from notifications.monitoring.relay_metrics import RelayMetrics
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RecordingChannel, drain, running_loop
from tests.stage.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
SCRAPES = ROOT / "deploy" / "prometheus" / "prometheus.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboards" / "outbox.json"
NAME = re.compile(r"\boutbox_[a-z_]+")
SELECTOR = re.compile(r"(outbox_[a-z_]+)\{([^}]*)\}")


def dashboard() -> dict[str, Any]:
    board: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return board


def expressions() -> list[str]:
    queries = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    return [*queries, *re.findall(r"expr: (?:\|\n)?((?:.|\n)*?)\n(?:        for|        labels)", RULES.read_text())]


def samples(families: list[Metric]) -> dict[str, set[str]]:
    """Each sample's name with its labels' names."""
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


@pytest.fixture
def known(transactional_db: None) -> dict[str, set[str]]:
    """Every metric that a web and a relay that have worked answer with."""
    relay = RelayMetrics()
    unsubscribe = telemetry.subscribe(relay)
    publish_one(RecipientFactory())
    drain(RecordingChannel())
    unsubscribe()
    with running_loop(RecordingChannel()):
        wait_until(lambda: "outbox_relay_in_flight" in samples(list(registry().collect())))
        found = samples(list(registry().collect()))
    made = CollectorRegistry()
    made.register(relay)
    return found | samples(list(made.collect()))


def test_every_metric_that_they_name_is_there(known: dict[str, set[str]]) -> None:
    known |= {"outbox_recent_receipts": {"status"}, "outbox_alert_firing": {"alert"}}  # only where there are some
    assert len(expressions()) > 25
    for expression in expressions():
        named = set(NAME.findall(expression))
        assert named or "up{" in expression or "process_" in expression, expression
        assert named - set(known) == set(), expression
        for name, labels in SELECTOR.findall(expression):
            chosen = {label.split("=")[0].strip("~! ") for label in labels.split(",")}
            assert chosen <= known[name], expression


def test_the_documentation_names_them_all(known: dict[str, set[str]]) -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    for name in known:
        assert re.sub(r"_(bucket|count|sum)$", "", name) in page, name


@pytest.mark.parametrize(
    "check",
    [("config", "--syntax-only", str(SCRAPES)), ("rules", str(RULES))],
    ids=["prometheus.yml", "alerts.yml"],
)
def test_prometheus_loads_them(check: tuple[str, ...]) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    checked = subprocess.run([program, "check", *check], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_dashboard_is_one_that_grafana_imports() -> None:
    board = dashboard()
    assert board.keys() >= {"title", "uid", "schemaVersion", "templating", "panels", "time"}
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])
