"""The runbook's table is the one that the operators' page prints, and every alert has its page."""

from pathlib import Path

from notifications.monitoring import alert_rules
from notifications.policy.runbook import OF_ALERTS, TROUBLES

ROOT = Path(__file__).resolve().parent.parent.parent.parent


def test_the_operators_page_prints_what_the_board_says() -> None:
    page = (ROOT / "docs/operators.md").read_text()
    for trouble in TROUBLES.values():
        assert f"| {trouble.sees} | {trouble.means} | {trouble.do} |" in page


def test_every_rule_of_the_alerts_leads_to_a_page() -> None:
    assert OF_ALERTS.keys() == alert_rules._rules().keys()
