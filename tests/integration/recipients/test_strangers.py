"""People without an account: their address is checked, is one lane, keeps its opt-outs, and can be forgotten."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections, transaction

from notifications import kinds, outbox, verification
from notifications.kinds import Kind
from notifications.lifecycle import Status
from notifications.models import OutboxMessage, Recipient
from notifications.outbox import Address
from notifications.recipients.contact import change_contact
from notifications.recipients.opt_outs import apply_keyword
from tests.factories.notifications import GREETING, RecipientFactory

pytestmark = pytest.mark.django_db(transaction=True)
BOTH = Kind("test.greeting", channels=("sms", "email"))


def publish_to(to: Any, *, kind: Kind = GREETING, **words: Any) -> list[OutboxMessage]:
    kinds.register(kind)
    with transaction.atomic():
        return outbox.publish(kind.name, to=to, context={"name": "Ann"}, **words)


def test_an_address_is_a_recipient_without_an_account() -> None:
    publish_to(
        Address(phone="+49 30 901820", email="Ann@example.com", locale="de", time_zone="Europe/Berlin"), kind=BOTH
    )

    recipient = Recipient.objects.get()
    assert (recipient.user, recipient.phone, recipient.email) == (None, "+4930901820", "Ann@example.com")
    assert (recipient.locale, recipient.time_zone) == ("de", "Europe/Berlin")


def test_however_it_is_written_an_address_is_one_lane() -> None:
    (first,) = publish_to(Address(phone="+49 30 901820"))
    (second,) = publish_to(Address(phone="+49 (30) 90 18 20"))
    publish_to(Address(email="Ann@example.com"))
    publish_to(Address(email="ann@EXAMPLE.com"))

    assert (first.recipient_id, first.status) == (second.recipient_id, Status.PENDING)
    assert second.status == Status.QUEUED
    assert Recipient.objects.count() == 2


@pytest.mark.parametrize("many", [False, True])
def test_an_address_that_only_looks_like_another_is_somebody_elses(many: bool) -> None:
    """The upper case of a dotless i is that of an i: who owns the one must not get what is for the other."""
    kinds.register(GREETING)
    for email in ("mike@gma\u0131l.example", "mike@gmail.example"):
        with transaction.atomic():
            if many:
                outbox.publish_many(GREETING.name, [Address(email=email)], context={"name": "Mike"})
            else:
                outbox.publish(GREETING.name, to=Address(email=email), context={"name": "Mike"})

    assert Recipient.objects.count() == OutboxMessage.objects.values("recipient").distinct().count() == 2


def test_an_account_with_the_same_address_is_somebody_else() -> None:
    user = User.objects.create(username="ann", email="ann@example.com")
    change_contact(user, phone="+4930901820")

    (message,) = publish_to(Address(phone="+4930901820"))

    assert message.recipient.user is None


def test_many_that_publish_to_a_new_address_at_once_make_one_lane() -> None:
    kinds.register(GREETING)
    barrier = threading.Barrier(4)

    def announce(_: int) -> None:
        try:
            barrier.wait(20)
            publish_to(Address(phone="+4930901820"))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(announce, range(4)))

    assert Recipient.objects.count() == 1
    assert sorted(OutboxMessage.objects.values_list("status", flat=True)) == ["pending", "queued", "queued", "queued"]


@pytest.mark.parametrize("is_known", [False, True])
def test_what_was_refused_from_an_address_holds(is_known: bool) -> None:
    if is_known:
        publish_to(Address(phone="+4930901820"))
    apply_keyword(phone="+4930901820", channel="sms", text="STOP")

    assert publish_to(Address(phone="+49 30 901820")) == []
    assert OutboxMessage.objects.latest("pk").error_code == "opted_out"


@pytest.mark.parametrize(
    "address", [Address(), Address(phone="030"), Address(email="ann"), Address(phone="+4930901820", locale="!")]
)
def test_an_address_that_is_none_is_refused(address: Address) -> None:
    with pytest.raises(outbox.InvalidContact):
        publish_to(address)

    assert not Recipient.objects.exists()


def test_either_a_recipient_or_an_address_is_given() -> None:
    for words in ({}, {"recipient": RecipientFactory(), "to": Address(phone="+4930901820")}):
        with pytest.raises(outbox.InvalidMessage, match="either"), transaction.atomic():
            outbox.publish(GREETING.name, context={}, **words)  # type: ignore[arg-type]
    with pytest.raises(outbox.InvalidRecipient):
        publish_to("+4930901820")


def test_an_address_is_forgotten_in_all_its_forms() -> None:
    publish_to(Address(phone="+4930901820", email="ann@example.com"))
    publish_to(Address(email="Ann@Example.com"))
    publish_to(Address(email="bob@example.com"))

    outbox.erase(Address(email="ANN@example.com"), actor="staff")

    assert set(Recipient.objects.filter(erased_at=None).values_list("email", flat=True)) == {"bob@example.com"}
    assert OutboxMessage.objects.filter(status="cancelled", context={}).count() == 2


def test_with_an_account_its_addresses_without_one_are_forgotten() -> None:
    user = User.objects.create(username="ann", email="ann@example.com")
    publish_to(user)
    publish_to(Address(email="Ann@Example.com"))

    outbox.erase(user, actor="staff")

    assert not Recipient.objects.exclude(email="").exists()


def test_a_user_of_another_database_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    user = User.objects.create(username="ann", email="ann@example.com")
    user._state.db = "shard_1"

    with pytest.raises(outbox.OtherDatabase, match="using='shard_1'"):
        publish_to(user)
    with pytest.raises(outbox.OtherDatabase), transaction.atomic():
        outbox.publish_many(GREETING.name, [user], context={"name": "Ann"})
    assert not Recipient.objects.exists()

    monkeypatch.setattr("django.db.router.allow_relation", lambda *_, **__: True)
    assert len(publish_to(user)) == 1, "a replica's, says the router"


def test_nobody_is_erased_exported_or_changed_in_anothers_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody of another database has the number of somebody of this one."""
    ann = User.objects.create(username="ann", email="ann@example.com")
    publish_to(ann)
    other = User(pk=ann.pk, username="bob")
    other._state.db = "shard_1"
    refused = [
        lambda: outbox.erase(other, actor="staff"),
        lambda: outbox.export(other),
        lambda: outbox.contact_of(other),
        lambda: outbox.change_contact(other, phone="+14155550123"),
        lambda: verification.request_changes(other, phone="+14155550123"),
        lambda: verification.confirm(other, field="phone", code="000000"),
        lambda: verification.pending(other),
    ]
    for does in refused:
        with pytest.raises(outbox.OtherDatabase):
            does()
    assert outbox.export(ann)["contact"]["email"] == "ann@example.com"

    databases: list[str] = []
    monkeypatch.setattr(outbox, "connections", ["default", "shard_1", "shard_2"])
    monkeypatch.setattr(outbox, "erase", lambda _, *, actor, using: databases.append(using) if actor else None)
    monkeypatch.setattr("django.db.router.allow_migrate_model", lambda alias, _: alias != "shard_1")
    outbox.forget_user(ann)
    assert databases == ["default", "shard_2"], "wherever the outbox is"
