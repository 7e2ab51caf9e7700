"""With a replica that lags without end, behind Django's documented router, nothing is decided by what it says."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connections, router
from django.test import Client
from django.urls import reverse

from bookings.models import Booking, Slot
from notifications import outbox
from notifications.lifecycle import Permanent
from notifications.models import OperatorAction, OutboxMessage
from notifications.protocol.primary_reads import read_where_written
from tests.api.test_main_flow import signed_in
from tests.factories.bookings import SlotFactory
from tests.factories.staff import staff
from tests.integration.admin.test_message_actions import replay
from tests.stage.gateway import GatewayProcess
from tests.stage.relay import RecordingChannel, drain
from tests.stage.schemas import tenants

pytestmark = pytest.mark.django_db(transaction=True)


class PrimaryReplicaRouter:
    """https://docs.djangoproject.com/en/stable/topics/db/multi-db/#an-example, with one replica."""

    def db_for_read(self, model: type, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: type, **hints: Any) -> str:
        return "default"

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool:
        return True


@pytest.fixture
def asked_of_the_replica(transactional_db: None, settings: Any) -> Iterator[list[str]]:
    """Statements that went to the replica, which has all tables and not one row."""
    statements: list[str] = []

    def write_down(execute: Any, statement: str, *rest: Any) -> Any:
        statements.append(statement)
        return execute(statement, *rest)

    with tenants("replica", tables="."), connections["replica"].execute_wrapper(write_down):
        settings.DATABASE_ROUTERS = [f"{__name__}.PrimaryReplicaRouter"]
        yield statements


def test_paying_cancelling_and_replaying_ask_the_primary(
    asked_of_the_replica: list[str], payment_gateway: GatewayProcess
) -> None:
    slot = SlotFactory()
    client = signed_in()
    order = client.post("/api/orders/", {"slot": slot.pk, "quantity": 2}).json()
    receipt = payment_gateway.pay(order["order_id"])
    answers = [client.post("/api/payments/verify/", receipt) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    booking = Booking.objects.get()
    assert booking.order.slot.seats_left == booking.slot.capacity - 2
    drain(RecordingChannel(answer=lambda outgoing: Permanent("twilio_21211", "Invalid 'To' phone number")))
    (failed,) = OutboxMessage.objects.filter(status="failed")
    operator = staff("view_outboxmessage", "replay_outboxmessage")
    assert "Replayed." in replay(operator, failed)
    assert OperatorAction.objects.filter(message_id=failed.pk).exists()
    assert client.post(f"/api/bookings/{booking.pk}/cancel/").status_code == 200
    booking.refresh_from_db()
    assert booking.status == "cancelled"
    assert asked_of_the_replica == []


def test_pages_ask_the_primary(asked_of_the_replica: list[str]) -> None:
    slot = SlotFactory()
    ann = get_user_model().objects.create_user("ann", "ann@example.com")
    outbox.change_contact(ann, phone="+14155550123")
    visitor = Client()
    visitor.force_login(ann)
    for address in (reverse("slot-page", args=[slot.pk]), "/bookings/", "/accounts/profile/"):
        assert visitor.get(address).status_code == 200, address
    assert asked_of_the_replica == []


def test_a_project_without_ours_sends_its_own_models_wherever_it_likes(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only models of the outbox and the users stay where they are written."""
    settings.DATABASE_ROUTERS = [f"{__name__}.PrimaryReplicaRouter"]
    monkeypatch.delattr(router, "db_for_read")  # back to Django's own
    assert router.db_for_read(OutboxMessage) == "replica"
    monkeypatch.setattr(router, "db_for_read", router.db_for_read)  # to be put back
    read_where_written("notifications", "auth")
    assert router.db_for_read(Slot) == "replica"
    assert router.db_for_read(OutboxMessage) == router.db_for_read(get_user_model()) == "default"
    assert OutboxMessage.objects.using("replica").db == "replica", "who says where has what was said"
