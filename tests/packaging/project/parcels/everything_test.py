"""Uses what the package gives to those who publish and to their tests, typed strictly."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.core import mail
from django.db import transaction
from django.test import AsyncClient, Client, TestCase
from django.utils import timezone

from notifications import outbox
from notifications.testing import OutboxMixin
from parcels import desk
from parcels.models import Customer


@pytest.fixture
def ada(db: None) -> Customer:
    return Customer.objects.create(username="ada", email="ada@example.com", cell="+14155552671")


def test_a_newer_promise_takes_the_place_of_the_one_that_waits(outbox_tools: OutboxMixin, ada: Customer) -> None:
    desk.promise(ada, "P-1", "Monday")
    (message,) = desk.promise(ada, "P-1", "Tuesday")

    assert message.replaced
    assert [sent.text for sent in outbox_tools.drain()] == ["P-1 comes on Tuesday."]


def test_a_reminder_is_sent_once_when_it_is_due(outbox_tools: OutboxMixin, ada: Customer) -> None:
    tomorrow = timezone.now() + timedelta(days=1)
    desk.remind(ada, "P-1", tomorrow)
    assert desk.remind(ada, "P-1", tomorrow) == []
    assert len(desk.postpone("parcel:P-1:reminder", tomorrow + timedelta(days=1))) == 1

    assert outbox_tools.drain(ahead=timedelta(days=1, hours=1)) == []
    assert [sent.to for sent in outbox_tools.drain(ahead=timedelta(days=3))] == ["ada@example.com"]


def test_a_reminder_is_withdrawn(outbox_tools: OutboxMixin, ada: Customer) -> None:
    desk.remind(ada, "P-1", timezone.now() + timedelta(days=1))
    desk.withdraw("parcel:P-1:reminder")

    outbox_tools.assert_not_published("shop.note", to=ada)


def test_somebody_without_an_account(outbox_tools: OutboxMixin, db: None) -> None:
    desk.tell_guest("Guest@example.com", "P-1")

    outbox_tools.assert_published("shop.note", to=outbox.Address(email="guest@example.com"))
    (sent,) = outbox_tools.drain()
    assert (sent.to, sent.locale, sent.subject) == ("Guest@example.com", "de", "Note")


def test_a_sale_reaches_everybody_once(outbox_tools: OutboxMixin, ada: Customer) -> None:
    bob = Customer.objects.create(username="bob", email="bob@example.com")
    outbox.change_contact(bob, email_enabled=False)

    first, second, guest, again = desk.announce_sale([ada, bob], ["guest@example.com", "guest@example.com"], "SALE")
    assert (len(first.messages), dict(second.suppressed), len(guest.messages)) == (1, {"email": "opted_out"}, 1)
    assert len(again.messages) == 1, "an address without a dedupe key is written to as often as it is named"
    assert [each.is_duplicate for each in desk.announce_sale([ada, bob], [], "SALE")] == [True, True]
    assert sorted(sent.text for sent in outbox_tools.drain()) == ["SALE!", "SALE!", "ada, SALE!"]


def test_who_moves_gets_the_next_message_at_the_new_address(outbox_tools: OutboxMixin, ada: Customer) -> None:
    desk.promise(ada, "P-1", "Monday")
    Customer.objects.update(email="lovelace@example.com")

    assert [sent.to for sent in outbox_tools.drain()] == ["lovelace@example.com"]
    assert mail.outbox[0].to == ["lovelace@example.com"]


def test_async_code_joins_a_transaction(outbox_tools: OutboxMixin, ada: Customer) -> None:
    with transaction.atomic():
        async_to_sync(desk.athank)(ada)

    outbox_tools.assert_published("shop.note", to=ada, context={"words": "Thank you."})


def test_async_code_cannot_open_a_transaction(ada: Customer) -> None:
    with pytest.raises(outbox.NotInTransaction, match="sync_to_async"):
        async_to_sync(desk.athank)(ada)


class SigningUp(OutboxMixin, TestCase):
    """The same view by both clients."""

    def test_welcome(self) -> None:
        Client().post("/sign-up/", {"name": "eve", "email": "eve@example.com"})

        self.assert_published("shop.note", to=Customer.objects.get(username="eve"))
        self.assertEqual([sent.text for sent in self.drain()], ["Welcome, eve."])

    async def test_async_welcome(self) -> None:
        answer = await AsyncClient().post("/sign-up/", {"name": "mia", "email": "mia@example.com"})

        self.assertEqual(answer.status_code, 200)
        mia = await Customer.objects.aget(username="mia")
        self.assertEqual(str(mia.pk), answer.json()["id"])
