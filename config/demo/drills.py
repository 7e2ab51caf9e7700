"""The things that go wrong (docs/operators.md), each brought about in the demo, and when each counts as mended.

What an operator hears is all that they are told. The cures are those of the runbook's pages.
"""

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from io import StringIO

import psycopg
import requests
from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils import timezone
from psycopg.sql import SQL, Identifier

from bookings import orders
from bookings.cancellation import cancel
from bookings.models import Booking, Order, Payment, Refund, Slot
from bookings.troubles import LONG_SETBACKS
from config.demo.customers import TIMEOUT_SECONDS, Shopper
from config.demo.relays import SupervisedRelay
from config.demo.stage import SMS_FROM, Stage
from notifications import outbox
from notifications.sandbox import AUTH_TOKEN
from notifications.selectors.overview import overview

OUTAGE_LOOKS = 60  # after so many looks, one a second, the provider of `broken` is back
WRONG_SENDER = "+14155559999"
SHORT_LEASE, LONG_LEASE = 5, 30  # seconds
FROZEN_SECONDS = 8.0
OVERDUE = timedelta(minutes=20)
END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"


@dataclass(slots=True)
class Scene:
    """What a drill can act on: what runs, the relay, and customers who book. `looks` are counted by the judge."""

    stage: Stage
    relay: SupervisedRelay
    shoppers: Sequence[Shopper]
    choose: random.Random
    start_schedules: Callable[[], object]
    looks: int = 0
    was_paused: bool = False
    is_read_only: bool = False
    orders: list[int] = field(default_factory=list)
    session: "psycopg.Connection[tuple[object, ...]] | None" = field(default=None)

    def book(self, bookings: int) -> None:
        """Some customers book and pay."""
        for number in range(bookings):
            self.shoppers[number % len(self.shoppers)].book(self.choose)

    def order(self, shopper: Shopper) -> str:
        """One customer opens an order; the address at which it is paid."""
        order = shopper.order(self.choose)
        self.orders.append(order["id"])
        return str(order["gateway"]["pay_url"])

    def are_sent(self) -> bool:
        """Whether every message of the drill's bookings is sent."""
        references = [f"booking:{each['id']}" for shopper in self.shoppers for each in shopper.journal.bookings]
        found = outbox.messages_about(references)
        return all(message.status == outbox.Status.SENT for messages in found.values() for message in messages)

    def state_of(self, channel: str) -> str:
        return str(overview().channels[channel]["state"])

    def close(self) -> None:
        self.relay.stop()
        for shopper in self.shoppers:
            shopper.close()
        if self.session is not None:
            with suppress(psycopg.Error):
                self.session.close()
        if self.is_read_only:
            self.write_again()

    def write_again(self) -> None:
        """Leave no database that only reads behind."""
        url = self.stage.environment["DATABASE_URL"]
        with psycopg.connect(url, autocommit=True, options="-c default_transaction_read_only=off") as operator:
            name = Identifier(operator.info.dbname)
            operator.execute(SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name))


@dataclass(frozen=True, slots=True)
class Drill:
    """`name` is the trouble's in the runbook; `heard` what the operator is told at the beginning.

    `is_mended` is asked about once a second. What ends by itself, or once somebody has acted, it ends.
    """

    name: str
    heard: str
    bring_about: Callable[[Scene], None]
    is_mended: Callable[[Scene], bool]


def _late(scene: Scene) -> None:
    scene.relay.change(OUTBOX_RATE_SMS="0.02")
    scene.book(4)


def _no_relay(scene: Scene) -> None:
    scene.relay.is_kept = False
    scene.relay.stop()
    scene.book(3)


def _broken(scene: Scene) -> None:
    scene.stage.providers.add_rule(channel="sms", status=503)
    scene.book(6)


def _broken_is_over(scene: Scene) -> bool:
    if scene.looks == OUTAGE_LOOKS:
        scene.stage.providers.clear_rules()
    return scene.looks > OUTAGE_LOOKS and scene.are_sent()


def _refused(scene: Scene) -> None:
    scene.relay.change(TWILIO_AUTH_TOKEN="revoked", NEW_TWILIO_AUTH_TOKEN=AUTH_TOKEN)  # noqa: S106
    scene.book(6)


def _paused(scene: Scene) -> None:
    call_command("pause_channel", "sms", reason="a look at the bill", stdout=StringIO())
    scene.book(3)


def _failed(scene: Scene) -> None:
    words = "The 'From' phone number provided is not a valid sender"
    scene.stage.providers.add_rule(channel="sms", status=400, code=21606, message=words)
    scene.relay.change(TWILIO_SMS_FROM=WRONG_SENDER, OUR_NUMBER=SMS_FROM)
    scene.book(4)


def _failed_is_over(scene: Scene) -> bool:
    if scene.relay.started_with.get("TWILIO_SMS_FROM") == SMS_FROM:
        scene.stage.providers.clear_rules()
    return scene.are_sent()


def _missed(scene: Scene) -> None:
    phone = scene.shoppers[0].journal.customer.phone
    words = "Invalid 'To' Phone Number"
    scene.stage.providers.add_rule(channel="sms", to=phone, status=400, code=21211, message=words)
    scene.book(1)


def _twice(scene: Scene) -> None:
    scene.stage.providers.add_rule(channel="email", reset=True, accept=True)
    scene.book(3)


def _twice_is_over(scene: Scene) -> bool:
    """Once the channel is paused, its provider is mended; then it is to be resumed."""
    is_paused = scene.state_of("email") == "paused"
    if is_paused and not scene.was_paused:
        scene.was_paused = True
        scene.stage.providers.clear_rules()
    return scene.was_paused and not is_paused and scene.are_sent()


def _stale(scene: Scene) -> None:
    scene.relay.change(OUTBOX_LEASE_SECONDS=str(SHORT_LEASE), OUTBOX_SEND_TIMEOUT_SECONDS="2")
    scene.book(3)


def _stale_is_over(scene: Scene) -> bool:
    lease = scene.relay.started_with.get("OUTBOX_LEASE_SECONDS", "")
    if lease.isdecimal() and int(lease) >= LONG_LEASE:
        return scene.are_sent()
    scene.relay.freeze(FROZEN_SECONDS)
    return False


def _snapshot(scene: Scene) -> None:
    url = scene.stage.environment["DATABASE_URL"]
    scene.session = psycopg.connect(url, application_name="a forgotten report")
    scene.session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    scene.session.execute("SELECT count(*) FROM notifications_outboxmessage")


def _snapshot_is_over(scene: Scene) -> bool:
    try:
        if scene.session is not None:
            scene.session.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def _unconfirmed(scene: Scene) -> None:
    """Paid, and nobody reported it: the browser was closed, the gateway's webhook was lost, and no sweep runs."""
    for shopper in scene.shoppers[:2]:
        requests.post(scene.order(shopper), json={}, timeout=TIMEOUT_SECONDS).raise_for_status()
    Order.objects.filter(pk__in=scene.orders).update(sweep_at=timezone.now() - OVERDUE)


def _are_booked(scene: Scene) -> bool:
    return not Order.objects.filter(pk__in=scene.orders).exclude(status=Order.Status.BOOKED).exists()


def _payment(scene: Scene) -> None:
    paid = requests.post(scene.order(scene.shoppers[0]), json={"amount": 1}, timeout=TIMEOUT_SECONDS)
    with suppress(requests.HTTPError):  # amount_mismatch
        scene.shoppers[0].verify(paid.json())


def _payment_is_over(scene: Scene) -> bool:
    undecided = Payment.Decision.WANTED
    return not Payment.objects.filter(order__in=scene.orders, decision=undecided).exists()


def _refund(scene: Scene) -> None:
    """The bank has sent the money back. The next try arrives."""
    scene.book(1)
    booking = Booking.objects.latest("id")
    cancel(booking.pk, by_staff=True)
    words = "The bank has sent the money back: the account is closed."
    Refund.objects.filter(payment=booking.payment).update(status=Refund.Status.FAILED, refusals=1, error=words)
    scene.orders.append(booking.order_id)
    scene.start_schedules()


def _refund_is_over(scene: Scene) -> bool:
    refunds = Refund.objects.filter(payment__order__in=scene.orders)
    return not refunds.exclude(status=Refund.Status.SUCCEEDED).exists()


def _setback(scene: Scene) -> None:
    """An import wrote that no seat of a slot is taken: an unpaid order for one of them cannot end."""
    scene.order(scene.shoppers[0])
    lapsed = Order.objects.filter(pk__in=scene.orders)
    lapsed.update(hold_expires_at=timezone.now() - OVERDUE)
    Slot.objects.filter(pk__in=lapsed.values("slot")).update(seats_taken=0)
    for hours in range(LONG_SETBACKS):  # as if it had failed since the morning
        orders.release_all_lapsed_holds(now=timezone.now() + timedelta(hours=hours))
    scene.start_schedules()


def _setback_is_over(scene: Scene) -> bool:
    return not Order.objects.filter(pk__in=scene.orders, status=Order.Status.OPEN).exists()


def _away(scene: Scene) -> None:
    """A failover that has not ended: every session meets a database that only reads."""
    scene.book(1)
    scene.is_read_only = True
    with psycopg.connect(scene.stage.environment["DATABASE_URL"], autocommit=True) as operator:
        name = operator.info.dbname
        operator.execute(SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(Identifier(name)))
        operator.execute(END_SESSIONS, [name])
    connection.close()


def _away_is_over(scene: Scene) -> bool:
    try:
        is_ready = requests.get(f"{scene.stage.web}/readyz", timeout=TIMEOUT_SECONDS).ok
        return bool(is_ready) and scene.are_sent()
    except OperationalError:  # the cure has ended this session, too
        connection.close()
        return False


PAID = "A customer calls: “I have paid, and have no booking.”"
CALL = "A customer calls: “I have booked, and I got no SMS.”"
DRILLS = {
    drill.name: drill
    for drill in (
        Drill("late", CALL, _late, Scene.are_sent),
        Drill("no-relay", CALL, _no_relay, Scene.are_sent),
        Drill("broken", CALL, _broken, _broken_is_over),
        Drill("refused", CALL, _refused, Scene.are_sent),
        Drill("paused", CALL, _paused, Scene.are_sent),
        Drill("failed", CALL, _failed, _failed_is_over),
        Drill("missed", "customer1 calls: “I got no SMS. My number is +1 415 555 0142.”", _missed, Scene.are_sent),
        Drill("twice", "A customer calls: “I get the same email again and again.”", _twice, _twice_is_over),
        Drill("stale", "The host's monitor says: no processor time is left.", _stale, _stale_is_over),
        Drill("snapshot", "The disk's monitor says: the database grows.", _snapshot, _snapshot_is_over),
        Drill("unconfirmed", PAID, _unconfirmed, _are_booked),
        Drill("payment", PAID, _payment, _payment_is_over),
        Drill("refund", "A customer calls: “You cancelled, and I have no money back.”", _refund, _refund_is_over),
        Drill("setback", "A customer says: “I never paid, and my order does not end.”", _setback, _setback_is_over),
        Drill("away", "Customers call: “It says: not available at the moment.”", _away, _away_is_over),
    )
}
