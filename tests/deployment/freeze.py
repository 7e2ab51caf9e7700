"""Freezes today's tables, with rows in each of ours, as SQL: a database of this release, before it is upgraded.

    .venv/bin/python -m tests.deployment.freeze tests/deployment/frozen/NAME.sql

Done once, when a release changes tables; a file that is there stays as it is. `test_frozen.py` migrates each of them.
"""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from config.embedded.binaries import PROGRAMS, installed
from tests.benchmarks import database

# What pg_dump says to psql and to servers of its own version, and comments.
NOISE = ("--", "SET ", "\\")


def main(file: Path) -> None:
    with database.claimed() as url, database.migrated(url):
        fill()
        file.write_text(dumped(url))


def dumped(url: str) -> str:
    """The database as SQL that any server can take in one go: no owners, no psql."""
    program = installed() / PROGRAMS / "pg_dump"
    options = ["--inserts", "--rows-per-insert=100", "--no-owner", "--no-privileges"]
    text = subprocess.run([program, *options, url], check=True, capture_output=True, text=True).stdout
    return "\n".join(line for line in text.splitlines() if line and not line.startswith(NOISE)) + "\n"


def fill() -> None:
    """At least one row in each table of ours, as the applications leave them."""
    from notifications.selectors.database_clock import database_now  # noqa: PLC0415  (once Django is set up)
    from tests.factories import scene  # noqa: PLC0415

    now = database_now()
    scene.relays(now)
    scene.channels(now)
    scene.lanes(now)
    scene.dead_letters(now)
    scene.schedules(now)
    _fill_notifications()
    _fill_bookings()


def _fill_notifications() -> None:
    from django.utils import timezone  # noqa: PLC0415

    from notifications import models, outbox  # noqa: PLC0415
    from notifications.recipients import inbound, opt_outs  # noqa: PLC0415

    now = timezone.now()
    message = models.OutboxMessage.objects.filter(status="sent").order_by("pk").first()
    assert message
    recipient = message.recipient
    outbox.change_contact(recipient, phone="+14155550199", locale="de", time_zone="Europe/Berlin")
    opt_outs.opt_out(recipient, channel="email", how=opt_outs.How.STAFF, actor="ann")
    inbound.receive(phone="+14155550199", channel="whatsapp", text="Hello")
    models.DeliveryAttempt.objects.create(
        message=message, claim_number=1, relay_id=1, started_at=now, answer="accepted", provider_id="SM1"
    )
    models.MessageReference.objects.create(reference="booking:1", message=message)
    models.PublishedKey.objects.create(key="booking:1:confirmed")
    models.PlannedFallback.objects.create(message=message, channel="email", due_at=now + timedelta(minutes=5))
    models.Bookmark.objects.create(name="receipts", position=1)
    models.Allowance.objects.create(key=f"recipient:{recipient.pk}", hour=now, in_hour=2, day=now, in_day=3)
    models.Alert.objects.create(name="late:sms", detail="The oldest due message by sms has waited 400 s.")
    bulk = models.BulkReplay.objects.create(filters={"channel": "sms"}, as_of=now, actor="ann", reason="fire", total=1)
    models.OperatorAction.objects.create(action="replay", message=message, recipient=recipient, actor="ann", bulk=bulk)
    models.Tally.objects.create(minute=now.replace(second=0, microsecond=0), channel="sms", relay_id=0, sent=3)
    models.Depth.objects.create(
        minute=now.replace(second=0, microsecond=0), queued=5, later=1, due=2, sending=0, failed=12
    )


def _fill_bookings() -> None:
    from django.utils import timezone  # noqa: PLC0415

    from bookings import models, tokens  # noqa: PLC0415
    from tests.factories.bookings import CustomerFactory, SlotFactory  # noqa: PLC0415

    now, customer, slot = timezone.now(), CustomerFactory(), SlotFactory(seats_taken=2)
    money = {"amount": 2500, "currency": "EUR"}
    order = models.Order.objects.create(
        user=customer,
        slot=slot,
        quantity=2,
        status="booked",
        hold_expires_at=now + timedelta(minutes=15),
        gateway="sandbox",
        gateway_order_id="order_1",
        **money,
    )
    payment = models.Payment.objects.create(order=order, gateway="sandbox", payment_id="pay_1", **money)
    models.Booking.objects.create(
        user=customer, slot=slot, order=order, payment=payment, quantity=2, status="cancelled", cancelled_at=now
    )
    models.Refund.objects.create(payment=payment, amount=2500, reason="cancelled")
    models.PaymentEvent.objects.create(gateway="sandbox", event_id="evt_1", kind="paid")
    tokens.give_token(customer)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
