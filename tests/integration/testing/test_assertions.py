"""What the assertions find, and what they say if they do not."""

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from notifications import kinds, outbox
from notifications.outbox import Address
from notifications.testing import assert_not_published, assert_published
from tests.factories.notifications import GREETING, RecipientFactory, publish

pytestmark = pytest.mark.django_db


def test_a_message_is_found_by_what_is_known_of_it() -> None:
    user = User.objects.create(username="ann", email="ann@example.com")
    publish(user, name="Ann")

    (message,) = assert_published("test.greeting", to=user, context={"name": "Ann"}, channel="sms")

    assert assert_published("test.greeting", to="ann@example.com") == [message]
    assert_not_published("test.greeting", to=RecipientFactory.create())
    assert_not_published("test.greeting", context={"name": "Bob"})
    assert_not_published("test.greeting", channel="email")


def test_who_has_no_account_is_found_by_address() -> None:
    account = User.objects.create(username="ann", email="ann@example.com")
    publish(account)
    kinds.register(GREETING)
    with transaction.atomic():
        outbox.publish(GREETING.name, to=Address(phone="+4930901820", email="ann@example.com"), context={})

    (message,) = assert_published("test.greeting", to=Address(phone="+49 30 901820", email="Ann@Example.com"))

    assert message.recipient.user is None
    assert_not_published("test.greeting", to=Address(email="ann@example.com"))
    with pytest.raises(outbox.InvalidContact):
        assert_published("test.greeting", to=Address(phone="030"))


def test_a_failure_lists_what_was_published() -> None:
    publish(RecipientFactory.create(), name="Ann")

    with pytest.raises(
        AssertionError, match=r"(?s)'test.farewell' was not published.*'test.greeting' on sms"
    ) as raised:
        assert_published("test.farewell")
    with pytest.raises(AssertionError, match=r"'test\.greeting' was published"):
        assert_not_published("test.greeting")

    assert "{'name': 'Ann'}" in str(raised.value)


def test_what_was_suppressed_at_once_was_not_published() -> None:
    user = User.objects.create(username="ann")
    outbox.change_contact(user, sms_enabled=False)
    publish(user)

    assert_not_published("test.greeting")
