"""What is known of people goes once it is of no use: also recipients that are nothing but an address."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from bookings import access_codes
from bookings.access_codes import Purpose
from notifications.models import AddressVerification, ConsentRecord, OutboxMessage, Recipient
from notifications.operations.prune_people import prune_people
from tests.factories.notifications import RecipientFactory, publish_one

pytestmark = pytest.mark.django_db


def test_recipients_that_are_an_address_alone_go_once_nothing_about_them_is_left() -> None:
    kept = RecipientFactory(user=User.objects.create_user("ann"))
    used, refusing = RecipientFactory(), RecipientFactory()
    publish_one(used)
    ConsentRecord.objects.create(recipient=refusing, channel="sms", is_opt_in=False, how="reply")
    code = access_codes.ask(Purpose.SIGN_UP, "new@example.com").code_id
    coded = AddressVerification.objects.get(pk=code).recipient

    assert prune_people(timezone.now() + timedelta(days=90)) == 0, "what was sent there is kept"

    assert set(Recipient.objects.values_list("pk", flat=True)) == {kept.pk, used.pk, refusing.pk, coded.pk}
    OutboxMessage.objects.filter(recipient=coded).delete()
    assert prune_people(timezone.now() + timedelta(days=90)) == 2, "its code, and then itself"
    assert not Recipient.objects.filter(pk=coded.pk).exists()


def test_recipients_that_no_code_made_stay() -> None:
    """A project may have made one of its own, to publish to it later."""
    RecipientFactory(user=None)

    assert prune_people(timezone.now() + timedelta(days=900)) == 0
    assert Recipient.objects.count() == 1
