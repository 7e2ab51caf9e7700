"""What the shop says to its customers, and to people without an account."""

from collections.abc import Iterable
from datetime import datetime

from asgiref.sync import sync_to_async
from django.db import transaction

from notifications import outbox
from notifications.models import OutboxMessage
from parcels.models import Customer


def promise(customer: Customer, number: str, day: str) -> list[OutboxMessage]:
    """A newer promise takes the place of one that still waits."""
    with transaction.atomic():
        words = {"words": f"{number} comes on {day}."}
        return outbox.publish("shop.note", to=customer, context=words, replace=f"parcel:{number}:day")


def remind(customer: Customer, number: str, when: datetime) -> list[OutboxMessage]:
    with transaction.atomic():
        words = {"words": f"Be at home for {number}."}
        key = f"parcel:{number}:reminder"
        return outbox.publish("shop.note", to=customer, context=words, send_at=when, dedupe_key=key, reference=key)


def tell_guest(email: str, number: str) -> list[OutboxMessage]:
    with transaction.atomic():
        guest = outbox.Address(email=email, locale="de", time_zone="Europe/Berlin")
        return outbox.publish("shop.note", to=guest, context={"words": f"{number} is here."})


def announce_sale(customers: Iterable[Customer], guests: Iterable[str], code: str) -> list[outbox.Published]:
    """To everybody at once, and to nobody twice."""
    to: list[outbox.To | outbox.Address] = [
        outbox.To(customer, context={"words": f"{customer.username}, {code}!"}, dedupe_key=f"sale:{code}:{customer.pk}")
        for customer in customers
    ]
    to += [outbox.Address(email=guest) for guest in guests]
    with transaction.atomic():
        return outbox.publish_many("shop.note", to, context={"words": f"{code}!"})


@transaction.atomic
def register(name: str, email: str) -> Customer:
    customer = Customer.objects.create(username=name, email=email)
    outbox.publish("shop.note", to=customer, context={"words": f"Welcome, {name}."})
    return customer


aregister = sync_to_async(register)


async def athank(customer: Customer) -> list[OutboxMessage]:
    """Within a transaction that sync code has opened."""
    return await outbox.apublish("shop.note", to=customer, context={"words": "Thank you."})


def postpone(key: str, when: datetime) -> list[int]:
    return outbox.reschedule([message.pk for message in outbox.messages_about([key])[key]], send_at=when)


def withdraw(key: str) -> list[int]:
    return outbox.cancel([message.pk for message in outbox.messages_about([key])[key]])
