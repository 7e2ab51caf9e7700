"""Publishing from async code: it joins a transaction that is open, and says what to do where none is."""

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.db import transaction

from notifications import kinds, outbox
from notifications.models import OutboxMessage
from tests.factories.notifications import GREETING

pytestmark = pytest.mark.django_db(transaction=True)


class Broken(Exception):
    """What breaks a transaction."""


@pytest.fixture(autouse=True)
def _kind() -> None:
    kinds.register(GREETING)


async def sign_up(name: str) -> list[OutboxMessage]:
    user = await User.objects.acreate(username=name)
    return await outbox.apublish(GREETING.name, recipient=user, context={"name": name})


def test_in_the_transaction_of_sync_code_that_called_it_it_publishes() -> None:
    with transaction.atomic():
        (message,) = async_to_sync(sign_up)("ann")

    assert OutboxMessage.objects.get() == message


def test_with_that_transaction_it_is_rolled_back() -> None:
    with transaction.atomic():
        async_to_sync(sign_up)("ann")
        transaction.set_rollback(True)

    assert (User.objects.count(), OutboxMessage.objects.count()) == (0, 0)


def test_where_none_is_open_it_is_refused_with_what_to_do() -> None:
    with pytest.raises(outbox.NotInTransaction, match=r"await sync_to_async\(transaction.atomic\(function\)\)"):
        async_to_sync(sign_up)("ann")

    assert not OutboxMessage.objects.exists()


def test_what_it_says_to_do_is_one_transaction() -> None:
    def register(name: str, *, breaks: bool) -> list[OutboxMessage]:
        user = User.objects.create(username=name)
        messages = outbox.publish(GREETING.name, recipient=user, context={"name": name})
        if breaks:
            raise Broken
        return messages

    async def view(name: str, *, breaks: bool) -> list[OutboxMessage]:
        return await sync_to_async(transaction.atomic(register))(name, breaks=breaks)

    assert async_to_sync(view)("ann", breaks=False) == list(OutboxMessage.objects.all())
    with pytest.raises(Broken):
        async_to_sync(view)("bob", breaks=True)
    assert (User.objects.count(), OutboxMessage.objects.count()) == (1, 1)
