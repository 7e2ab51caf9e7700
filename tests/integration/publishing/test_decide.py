"""Which channels are used: one without an address is left out where another one reaches the recipient, on record."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from notifications import outbox
from notifications.kinds import Fallback, Kind
from notifications.models import OutboxMessage, Recipient
from tests.factories.notifications import RecipientFactory, registered

pytestmark = pytest.mark.django_db
ALL = Kind("test.all", channels=("sms", "whatsapp", "email"))
LATER = Kind("test.later", channels=("sms",), fallback={"sms": Fallback("email", after=timedelta(minutes=5))})


def publish(recipient: Recipient, kind: Kind) -> None:
    outbox.publish(kind.name, recipient=recipient, context={})


def publish_many(recipient: Recipient, kind: Kind) -> None:
    outbox.publish_many(kind.name, [recipient], context={})


@pytest.mark.parametrize("write", [publish, publish_many])
@pytest.mark.parametrize(
    ("addresses", "opt_outs", "expected"),
    [
        ({"phone": ""}, [], {"sms": "no_address", "whatsapp": "no_address", "email": ""}),
        ({"email": ""}, [], {"sms": "", "whatsapp": "", "email": "no_address"}),
        ({"phone": "", "email": ""}, [], {"sms": "", "whatsapp": "", "email": ""}),
        ({"phone": ""}, ["email"], {"sms": "", "whatsapp": "", "email": "opted_out"}),
        ({"phone": ""}, ["sms"], {"sms": "opted_out", "whatsapp": "no_address", "email": ""}),
        ({}, [], {"sms": "", "whatsapp": "", "email": ""}),
    ],
)
def test_a_channel_without_an_address_is_left_out_if_another_one_reaches(
    write: Callable[[Recipient, Kind], None], addresses: dict[str, str], opt_outs: list[str], expected: Any
) -> None:
    recipient = RecipientFactory(opt_outs=opt_outs, **addresses)
    with registered(ALL), transaction.atomic():
        write(recipient, ALL)
    written = OutboxMessage.objects.order_by("id")
    assert {each.channel: each.error_code for each in written} == expected
    assert {each.status for each in written if each.error_code} <= {"cancelled"}, "recorded, and no dead letter"


@pytest.mark.parametrize("write", [publish, publish_many])
def test_the_only_channel_is_tried_so_that_its_failure_is_seen(write: Callable[[Recipient, Kind], None]) -> None:
    with registered(LATER), transaction.atomic():
        write(RecipientFactory(phone=""), LATER)
    assert list(OutboxMessage.objects.values_list("channel", "status")) == [("sms", "pending")]
