"""The business's own troubles: each is a headline, an alert and a page that leads to where it is mended."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bookings import troubles
from bookings.models import Order, Payment, Refund, Setback
from notifications.board.headline import headlines
from notifications.board.snapshot import snapshot
from notifications.monitoring import alert_rules
from notifications.policy import runbook
from tests.factories.bookings import CustomerFactory, booking_of
from tests.factories.staff import staff

pytestmark = pytest.mark.django_db(transaction=True)


def told() -> dict[str, str]:
    """By the troubles' names: what board and alerts say, which is the same."""
    ours = {own.trouble.name for own in troubles.OWN}
    said = {each.trouble.name: str(each) for each in headlines(snapshot()) if each.trouble}
    of_the_board = {name: what for name, what in said.items() if name in ours}
    assert of_the_board == {name: what for name, what in alert_rules.wrong_now().alerts.items() if name in ours}
    return of_the_board


def test_each_is_told_with_its_cure_and_leads_to_the_rows_once_it_holds_and_no_longer() -> None:
    booking = booking_of(CustomerFactory())
    assert told() == {}
    now = timezone.now()
    Order.objects.update(status="lapsed", sweep_at=now - timedelta(minutes=9))
    Payment.objects.update(decision="wanted")
    Refund.objects.create(payment=booking.payment, amount=1, reason="cancelled", status="failed")
    Setback.objects.create(job="queue reminders", row=1, failures=3, error="ZoneInfoNotFoundError", next_try_at=now)
    said = told()
    assert said.keys() == {"unconfirmed", "payment", "refund", "setback"}
    assert "Start the sweep: manage.py qcluster." in said["unconfirmed"]
    assert said["payment"].startswith("1 payment needs a person: the amount is not the order's. In the admin under")
    assert said["refund"].startswith("1 refund has failed: the money is not with the customer.")
    assert said["setback"].startswith("1 row fails again and again (queue reminders).")
    client = staff("view_outboxmessage", "view_payment", "view_refund", "view_setback", "view_order", "view_slot")
    for own in troubles.OWN:
        assert runbook.TROUBLES[own.trouble.name] is own.trouble
        page = client.get(f"/admin/outbox/runbook/{own.trouble.name}/").content.decode()
        label, address = own.ways()[0]
        assert label in page
        if own.trouble.name != "unconfirmed":  # its list has a permission of its own
            assert client.get(address).context["cl"].result_count == 1, own.trouble.name


def test_a_gateway_that_answers_nothing_is_told_until_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    Setback.objects.create(job=troubles.GATEWAY_JOB, row=0, failures=2, error="x", next_try_at=timezone.now())
    assert told()["unconfirmed"].startswith("The payment gateway does not answer (2 runs in a row)")

    def explode() -> str:
        raise ValueError("Ann")

    broken = runbook.OwnTrouble(troubles.REFUND, explode, list)
    monkeypatch.setitem(runbook._own, "refund", broken)
    assert "It cannot be said whether this is so." in " ".join(map(str, headlines(snapshot())))
    assert "rule-failed:refund" in alert_rules.wrong_now().alerts
