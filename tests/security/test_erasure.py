"""A person can be forgotten, with nothing left in any table and order kept, and can see what we have."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from bookings.erasure import erase_customer, export_customer
from bookings.models import Booking, Order, Slot
from bookings.tokens import give_token
from notifications import outbox, verification
from notifications.lifecycle import Transient
from notifications.models import Allowance, ConsentRecord, Conversation, OperatorAction, OutboxMessage, Recipient
from notifications.operations.correct_address import correct_address
from notifications.operations.write_note import write_note
from notifications.recipients import inbound
from notifications.recipients.contact import recipient_of
from tests.factories.bookings import CustomerFactory, SlotFactory, client_of
from tests.factories.notifications import RecipientFactory, publish
from tests.factories.staff import staff
from tests.stage.gateway import GatewayProcess
from tests.stage.relay import RecordingChannel, drain

PHONE, OLD_PHONE, NEW_PHONE = "+14155550142", "+14155550141", "+14155550143"
TRACES = ("asterix", "Obelix", PHONE, OLD_PHONE, NEW_PHONE, PHONE[1:], "asterix@example.com")

pytestmark = pytest.mark.django_db(transaction=True)


def everything() -> dict[str, str]:
    """Each table's rows, as text."""
    tables = {}
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            table = model._meta.db_table
            cursor.execute(f"SELECT coalesce(string_agg(t::text, E'\\n'), '') FROM \"{table}\" t")
            tables[table] = cursor.fetchone()[0]
    return tables


def traces() -> set[str]:
    """The tables in which something of the person stands."""
    return {table for table, rows in everything().items() if any(trace.lower() in rows.lower() for trace in TRACES)}


@pytest.fixture
def person(payment_gateway: GatewayProcess) -> User:
    """Somebody with a booking, an unpaid order, messages in every state, and all that surrounds them."""
    user: User = CustomerFactory(username="asterix", email="asterix@example.com", phone=OLD_PHONE, last_name="Obelix")
    recipient = recipient_of(user)
    correct_address(recipient.pk, field="phone", address=PHONE, actor="ann", reason="typed wrongly")
    api = client_of(user)
    paid = api.post("/api/orders/", {"slot": SlotFactory().pk, "quantity": 2}).json()
    assert api.post("/api/payments/verify/", payment_gateway.pay(paid["order_id"])).status_code == 201
    assert (
        api.post(
            "/api/orders/", {"slot": SlotFactory().pk, "quantity": 3}, HTTP_IDEMPOTENCY_KEY="asterix-1"
        ).status_code
        == 201
    )
    write_note(recipient.pk, "Obelix has a new phone", actor="ann")
    publish(recipient, name="Obelix")
    drain(RecordingChannel())
    publish(recipient, name="Obelix")
    publish(recipient, name="Obelix")
    inbound.receive(phone=PHONE, channel="whatsapp", text="hello")
    outbox.change_contact(user, email_enabled=False)
    verification.request_changes(user, phone=NEW_PHONE)
    Allowance.objects.create(key=f"number:{PHONE}")
    give_token(user)
    Client().force_login(user)
    AccessAttempt.objects.create(username="asterix", ip_address="192.0.2.1", user_agent="x", failures_since_start=1)
    return user


def test_nothing_of_the_person_is_left_in_any_table(person: User) -> None:
    assert len(traces()) >= 6, "the test would prove nothing"
    erase_customer(person, actor="ann", reason="asked for by letter")
    assert traces() == set()


def test_what_the_law_wants_kept_stays_and_order_and_counts_hold(person: User) -> None:
    def kept() -> list[Any]:
        return [
            list(Booking.objects.order_by("pk").values("id", "quantity", "status", "payment__amount", "order__amount")),
            list(OutboxMessage.objects.order_by("id").values_list("id", "kind", "channel", "claim_number", "attempts")),
        ]

    before, seats = kept(), sum(Slot.objects.values_list("seats_taken", flat=True))
    forgotten = erase_customer(person, actor="ann")

    assert kept() == before
    assert sum(Slot.objects.values_list("seats_taken", flat=True)) == seats - 3, "the unpaid order's are free"
    assert not Order.objects.filter(status="open").exists()
    assert forgotten.upcoming == 1
    assert not OutboxMessage.objects.filter(finished_at=None).exists(), "what waited is cancelled"
    assert OperatorAction.objects.filter(action="erase", reason="").count() == 1


def test_twice_is_as_good_as_once_and_nothing_is_written_to_them_any_more(person: User) -> None:
    erase_customer(person, actor="ann")
    before = everything()
    again = erase_customer(person, actor="ann")
    assert (dict(again.rows), again.in_flight) == ({}, 0)
    assert everything() == before
    assert publish(recipient_of(person)) == []


def test_a_dry_run_says_the_same_and_changes_nothing(person: User) -> None:
    before = everything()
    planned = erase_customer(person, actor="ann", dry_run=True)
    assert everything() == before
    assert planned == erase_customer(person, actor="ann")


def test_a_message_that_is_being_sent_is_erased_and_what_its_send_writes_goes_with_the_next_pruning(
    hand_relay: Any, settings: Any
) -> None:
    from notifications.lifecycle import Status  # noqa: PLC0415
    from notifications.operations.erase import erase, erase_late  # noqa: PLC0415
    from notifications.relay.messages import Settlement  # noqa: PLC0415

    recipient = RecipientFactory(phone=PHONE)
    publish(recipient, name="Obelix")
    relay = hand_relay()
    (claimed,) = relay.claim()
    assert erase(recipient, actor="ann").in_flight == 1
    assert "Obelix" not in str(everything())
    busy = Transient("no", f"{PHONE} is busy")
    relay.settle(Settlement(claimed, Status.PENDING, 1, 0.0, busy, began=0.0, ended=0.0, address=PHONE))
    assert erase_late() > 0
    assert traces() == set()


def test_somebody_elses_rows_stay(person: User) -> None:
    other = CustomerFactory(phone=PHONE)  # the same phone
    publish(recipient_of(other), name="Idefix")
    before = OutboxMessage.objects.get(recipient__user=other).context
    erase_customer(person, actor="ann")
    assert OutboxMessage.objects.get(recipient__user=other).context == before
    assert Conversation.objects.count() == 1, "it is the other's too"
    assert outbox.contact_of(other).phone == PHONE


def test_their_login_token_and_session_end(person: User) -> None:
    token = give_token(person)
    erase_customer(person, actor="ann")
    assert APIClient().get("/api/me/", HTTP_AUTHORIZATION=f"Token {token}").status_code == 401
    assert not Session.objects.exists()


def test_a_stop_outlives_its_person(person: User) -> None:
    inbound.receive(phone=PHONE, channel="sms", text="STOP")
    erase_customer(person, actor="ann")
    assert traces() == {"notifications_addressoptout"}
    assert publish(recipient_of(CustomerFactory(phone=PHONE))) == []


def test_the_export_has_it_all_and_the_file_is_ones_own(person: User, tmp_path: Path) -> None:
    file = tmp_path / "asterix.json"
    call_command("export_customer", "asterix", output=str(file), verbosity=0)
    known = json.loads(file.read_text())

    assert file.stat().st_mode & 0o777 == 0o600
    assert known == json.loads(json.dumps(export_customer(person), default=_plain))
    assert known["notifications"]["contact"]["phone"] == PHONE
    assert {message["context"].get("name") for message in known["notifications"]["messages"]} >= {"Obelix"}
    assert [len(known[part]) for part in ("orders", "bookings", "payments", "failed_logins")] == [2, 1, 1, 1]
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_customer", "asterix", output=str(file))


def _plain(value: Any) -> str:
    from django.core.serializers.json import DjangoJSONEncoder  # noqa: PLC0415

    return DjangoJSONEncoder().default(value)


def test_the_commands(person: User) -> None:
    said = StringIO()
    call_command("erase_customer", "asterix", dry_run=True, stdout=said)
    call_command("erase_customer", str(person.pk), stdout=said)
    call_command("erase_customer", str(person.pk), stdout=said)
    assert "messages cancelled: " in said.getvalue()
    assert f"nothing left to erase of account {person.pk}" in said.getvalue()
    with pytest.raises(CommandError, match="no account"):
        call_command("erase_customer", "nobody")
    with pytest.raises(CommandError, match="staff"):
        call_command("erase_customer", User.objects.create_user("boss", is_staff=True).username)


def test_an_adopters_user_is_deleted_and_forgotten_by_the_same_way() -> None:
    user = User.objects.create_user("asterix", "asterix@example.com")
    publish(recipient_of(user), name="Obelix")
    user.delete()
    assert traces() == set()
    assert OutboxMessage.objects.get().status == "cancelled"
    User.objects.create_user("asterix", "asterix@example.com")
    User.objects.filter(username="asterix").delete()


def test_staff_need_a_permission_of_its_own(person: User) -> None:
    page = reverse("admin:bookings_customer_changelist")
    chosen = {"_selected_action": [person.pk], "reason": "asked for by letter"}
    looking = staff("view_customer", name="looking")
    assert looking.get(page).status_code == 200
    looking.post(page, {**chosen, "action": "erase_selected"})
    refused = looking.post(page, {**chosen, "action": "export_selected"})
    assert b"@example.com" not in refused.content
    assert User.objects.get(pk=person.pk).username == "asterix"

    keeper = staff("view_customer", "erase_customer", "export_customer", name="keeper")
    exported = keeper.post(page, {**chosen, "action": "export_selected"})
    assert json.loads(exported.content)["account"]["username"] == "asterix"
    assert (
        "asked" not in keeper.post(page, {"action": "erase_selected", "_selected_action": [person.pk]}).content.decode()
    )
    keeper.post(page, {**chosen, "action": "erase_selected"})
    assert traces() == set()
    assert set(OperatorAction.objects.values_list("actor", "action")) >= {("keeper", "erase"), ("keeper", "export")}
    assert not ConsentRecord.objects.exists()
    assert Recipient.objects.filter(phone=PHONE).count() == 0
