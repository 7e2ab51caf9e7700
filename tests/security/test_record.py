"""What staff do is on record: who, why, what was so before and after; and nobody rewrites it."""

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from bookings.models import AccessToken, Refund
from bookings.tokens import give_token
from notifications.models import OperatorAction, Recipient
from notifications.operations.correct_address import correct_address
from notifications.operations.record_action import Actor, record
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.factories.notifications import RecipientFactory
from tests.stage.admin_forms import form_at
from tests.stage.gateway import GatewayProcess
from tests.stage.side_by_side import booked

pytestmark = pytest.mark.django_db(transaction=True)
LIST = reverse("admin:notifications_operatoraction_changelist")
EXPORT = reverse("admin:notifications_operatoraction_export")


def staff(*permissions: str) -> Client:
    user = User.objects.create_user("support", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def act(client: Client, row: Any, action: str, **more: str) -> Any:
    """Choose one row of a list and an action, as staff do."""
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_changelist")
    return client.post(address, {"action": action, "_selected_action": [row.pk], **more}, follow=True)


def recorded() -> list[tuple[str, str, str, str]]:
    rows = OperatorAction.objects.order_by("id")
    return [(row.action, row.subject, row.actor, row.reason) for row in rows]


def a_failed_refund(gateway: GatewayProcess) -> Refund:
    payment = booked(gateway, slot=SlotFactory()).payment
    return Refund.objects.create(payment=payment, amount=1, reason="cancelled", status="failed")


def test_every_action_on_a_list_asks_why_and_is_on_record(
    admin_client: Client, admin_user: User, payment_gateway: GatewayProcess
) -> None:
    booking = booked(payment_gateway, slot=SlotFactory())
    slot, refund = SlotFactory(), a_failed_refund(payment_gateway)
    give_token(CustomerFactory())
    token = AccessToken.objects.get()
    acts = [
        (booking, "cancel_selected", "cancel_booking", f"booking:{booking.pk}"),
        (slot, "cancel_selected", "cancel_slot", f"slot:{slot.pk}"),
        (refund, "start_again", "restart_refund", f"refund:{refund.pk}"),
        (token, "end_selected", "end_token", f"user:{token.user_id} token:{token.pk}"),
    ]
    for row, action, _, _ in acts:
        asked = act(admin_client, row, action).content.decode()
        assert 'name="reason"' in asked
        assert "notifications/admin.css" in asked, "or the field is wider than a phone"
        assert OperatorAction.objects.count() == 0, "nothing is done without a reason"
        assert act(admin_client, row, action, reason="").context["form"].errors
    for row, action, _, _ in acts:
        act(admin_client, row, action, reason="they called")
    assert recorded() == [(verb, subject, "admin", "they called") for _, _, verb, subject in acts]
    assert set(OperatorAction.objects.values_list("actor_id", flat=True)) == {admin_user.pk}
    booking.refresh_from_db()
    assert booking.status == "cancelled"
    assert not AccessToken.objects.exists()


def test_what_is_refused_or_done_already_leaves_no_record(
    admin_client: Client, payment_gateway: GatewayProcess
) -> None:
    booking = booked(payment_gateway, slot=SlotFactory())
    for _ in range(2):
        act(admin_client, booking, "cancel_selected", reason="twice")
    assert len(recorded()) == 1


def test_forms_and_new_rows_are_on_record_with_what_was_so(admin_client: Client) -> None:
    slot, recipient = SlotFactory(title="Sunset"), RecipientFactory(opt_outs=["sms"])
    for row, change in ((slot, {"title": "Noon"}), (recipient, {"locale": "de", "opt_outs": ["email"]})):
        address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
        sent = form_at(admin_client, address) | change
        assert "Say why." in admin_client.post(address, sent | {"reason": ""}).content.decode()
        assert admin_client.post(address, sent).status_code == 302
    add = reverse("admin:notifications_recipient_add")
    new = form_at(admin_client, add) | {"phone": "+4930901820", "locale": "de", "time_zone": "UTC"}
    assert admin_client.post(add, new).status_code == 302
    told = [(row.action, row.subject, row.before, row.after) for row in OperatorAction.objects.order_by("id")]
    assert told[:2] == [
        ("change", f"slot:{slot.pk}", {"title": "Sunset"}, {"title": "Noon"}),
        (
            "change",
            f"recipient:{recipient.pk}",
            {"locale": "en", "opt_outs": ["sms"]},
            {"locale": "de", "opt_outs": ["email"]},
        ),
    ]
    assert told[2][:2] == ("add", f"recipient:{Recipient.objects.latest('pk').pk}")
    assert told[2][3]["phone"] == "+4930901820"


def test_a_redirect_can_be_reconstructed_by_those_who_may() -> None:
    recipient = RecipientFactory(phone="+14155550001")
    correct_address(recipient.pk, field="phone", address="+14155559999", actor="mallory", reason="new phone")
    row = OperatorAction.objects.get()
    assert (row.before, row.after) == ({"phone": "+14155550001"}, {"phone": "+14155559999"})
    looking = staff("view_operatoraction", "export_operatoraction")
    seen = looking.get(LIST).content.decode() + b"".join(looking.get(EXPORT)).decode()
    assert "+14155550001" not in seen
    assert "+14155559999" not in seen
    User.objects.all().delete()
    seeing = staff("view_operatoraction", "export_operatoraction", "change_recipient_address")
    for page in (seeing.get(LIST).content.decode(), b"".join(seeing.get(EXPORT)).decode()):
        assert "+14155550001" in page
        assert "+14155559999" in page


def test_a_name_is_what_it_was_then() -> None:
    user = User.objects.create_user("mallory", is_staff=True)
    record("change", actor=Actor.of(user), subject="slot:1")
    user.username = "somebody-else"
    user.save()
    row = OperatorAction.objects.get()
    assert (row.actor, row.actor_id) == ("mallory", user.pk)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE notifications_operatoraction SET actor = 'ann'",
        "DELETE FROM notifications_operatoraction",
    ],
)
def test_the_database_refuses_to_change_the_record(statement: str) -> None:
    record("change", actor="mallory", subject="slot:1")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        OperatorAction.objects.get().delete()
    assert OperatorAction.objects.get().actor == "mallory"


def test_the_list_filters_and_exports_what_it_shows() -> None:
    for verb, subject, reason in (("change", "slot:1", "=cmd()"), ("pause", "", "outage"), ("change", "slot:2", "x")):
        record(verb, actor="ann", subject=subject, reason=reason)
    client = staff("view_operatoraction", "export_operatoraction")
    assert client.get(LIST, {"q": "slot:1"}).context["cl"].result_count == 1
    assert client.get(LIST, {"q": "ann"}).context["cl"].result_count == 3
    assert client.get(LIST, {"action": "pause"}).context["cl"].result_count == 1
    rows = list(csv.DictReader(io.StringIO(b"".join(client.get(EXPORT, {"action": "change"})).decode())))
    assert [(row["subject"], row["reason"]) for row in rows] == [("slot:2", "x"), ("slot:1", "'=cmd()")]
    assert OperatorAction.objects.latest("id").action == "export"


def test_an_export_needs_its_own_permission() -> None:
    client = staff("view_operatoraction")
    assert "Export as CSV" not in client.get(LIST).content.decode()
    assert client.get(EXPORT).status_code == 403


def test_only_known_verbs_are_written() -> None:
    with pytest.raises(ValueError, match="not registered"):
        record("do_something", actor="ann")
