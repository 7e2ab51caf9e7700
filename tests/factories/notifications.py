"""Recipients and messages for tests, written the way an application writes them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import factory
from django.db import transaction

from notifications import kinds, outbox
from notifications.kinds import Kind
from notifications.models import OutboxMessage, Recipient

GREETING = Kind("test.greeting", channels=("sms",))  # its templates are in tests/templates


class RecipientFactory(factory.django.DjangoModelFactory[Recipient]):
    class Meta:
        model = Recipient

    phone = factory.Sequence(lambda number: f"+1415555{number % 10000:04}")
    email = factory.Sequence(lambda number: f"recipient{number}@example.com")


def publish(recipient: Recipient, *, kind: Kind = GREETING, name: str = "Ann", **words: Any) -> list[OutboxMessage]:
    """Publish a greeting to `name` in a transaction of its own."""
    kinds.register(kind)
    with transaction.atomic():
        return outbox.publish(kind.name, recipient=recipient, context={"name": name}, **words)


def publish_many(to: Any, *, kind: Kind = GREETING, **words: Any) -> list[outbox.Published]:
    """Publish to all of `to` at once, in a transaction of its own."""
    kinds.register(kind)
    with transaction.atomic():
        return outbox.publish_many(kind.name, to, **{"context": {"name": "all"}} | words)


def publish_one(recipient: Recipient, **words: Any) -> OutboxMessage:
    (message,) = publish(recipient, **words)
    return message


@contextmanager
def registered(*some: Kind) -> Iterator[None]:
    """Kinds known for the time of a test."""
    before = dict(kinds._registered)
    try:
        for kind in some:
            kinds.register(kind)
        yield
    finally:
        kinds._registered.clear()
        kinds._registered.update(before)
