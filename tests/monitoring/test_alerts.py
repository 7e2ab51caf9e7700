"""Alerts: told once when something is wrong, once when it is over, by one of those who look."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.db.models import F

from notifications.models.alert import Alert
from notifications.monitoring import alerts
from notifications.monitoring.alert_rules import Findings

pytestmark = pytest.mark.django_db(transaction=True)


class Pager:
    """Whom alerts are told to, in this process."""

    def __init__(self, *, is_reachable: bool = True) -> None:
        self.told: list[str] = []
        self.is_reachable = is_reachable

    def __call__(self, alert: Alert) -> bool:
        if self.is_reachable:
            self.told.append(f"{alert.name} {'on' if alert.is_firing else 'off'}")
        return self.is_reachable


def let_time_pass(minutes: float) -> None:
    passed = timedelta(minutes=minutes)
    Alert.objects.update(seen_at=F("seen_at") - passed, notifying_until=F("notifying_until") - passed)


NOTHING = Findings({})
LATE = Findings({"late:sms": "The oldest due message by sms has waited 400 s (limit: 300 s)."})


class TestOnce:
    def test_it_is_told_when_it_begins_and_when_it_is_over(self) -> None:
        pager = Pager()
        for _ in range(3):
            alerts.evaluate(pager, found=LATE)
        assert pager.told == ["late:sms on"]
        alerts.evaluate(pager, found=NOTHING)
        assert pager.told == ["late:sms on"], "not before it has been quiet for a while"
        let_time_pass(6)
        for _ in range(2):
            alerts.evaluate(pager, found=NOTHING)
        assert pager.told == ["late:sms on", "late:sms off"]
        assert not Alert.objects.exists()
        alerts.evaluate(pager, found=LATE)
        assert pager.told[2:] == ["late:sms on"], "next time it is news again"

    def test_a_rule_that_fails_gives_no_all_clear(self) -> None:
        pager = Pager()
        alerts.evaluate(pager, found=LATE)
        blind = Findings({"rule-failed:late": "The alert rule late fails."}, frozenset({"late"}))
        for _ in range(3):
            let_time_pass(6)
            alerts.evaluate(pager, found=blind)
        assert pager.told == ["late:sms on", "rule-failed:late on"]
        let_time_pass(6)
        alerts.evaluate(pager, found=NOTHING)
        assert pager.told[2:] == ["late:sms off", "rule-failed:late off"], "once it can look again"

    def test_what_comes_and_goes_is_told_once(self) -> None:
        pager = Pager()
        for found in (LATE, NOTHING, LATE, NOTHING, LATE):
            alerts.evaluate(pager, found=found)
            let_time_pass(3)
        assert pager.told == ["late:sms on"]

    def test_whoever_cannot_be_reached_is_told_later(self) -> None:
        nobody, pager = Pager(is_reachable=False), Pager()
        alerts.evaluate(nobody, found=LATE)
        alerts.evaluate(pager, found=LATE)
        assert pager.told == ["late:sms on"]

    def test_what_nobody_was_told_of_has_no_all_clear(self) -> None:
        alerts.evaluate(Pager(is_reachable=False), found=LATE)
        let_time_pass(6)
        pager = Pager()
        alerts.evaluate(pager, found=NOTHING)
        assert pager.told == []
        assert not Alert.objects.exists()

    def test_an_all_clear_that_reached_nobody_is_told_later(self) -> None:
        pager = Pager()
        alerts.evaluate(pager, found=LATE)
        let_time_pass(6)
        assert alerts.evaluate(Pager(is_reachable=False), found=NOTHING) == []
        assert alerts.evaluate(pager, found=NOTHING) == ["late:sms"]
        assert pager.told == ["late:sms on", "late:sms off"]
        assert not Alert.objects.exists()

    def test_what_is_wrong_again_before_its_all_clear_reached_anybody_has_none(self) -> None:
        pager = Pager()
        alerts.evaluate(pager, found=LATE)
        let_time_pass(6)
        alerts.evaluate(Pager(is_reachable=False), found=NOTHING)
        alerts.evaluate(pager, found=LATE)
        assert pager.told == ["late:sms on"], "it was never over for anybody"

    def test_one_that_dies_while_telling_is_followed_by_another(self) -> None:
        def die(_: Alert) -> bool:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            alerts.evaluate(die, found=LATE)
        pager = Pager()
        alerts.evaluate(pager, found=LATE)
        assert pager.told == [], "it may still be telling"
        let_time_pass(3)
        alerts.evaluate(pager, found=LATE)
        assert pager.told == ["late:sms on"]

    def test_many_who_look_at_once_tell_it_once(self) -> None:
        pager, ready = Pager(), threading.Barrier(8)

        def look() -> None:
            ready.wait()
            try:
                alerts.evaluate(pager, found=LATE)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=look) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert pager.told == ["late:sms on"]
