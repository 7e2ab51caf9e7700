"""Publications to many beside others, and how long they take."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections, transaction

from notifications import kinds, outbox
from notifications.lifecycle import Status
from notifications.models import AddressOptOut, OutboxMessage, Recipient
from notifications.outbox import Address, To
from notifications.recipients import many
from notifications.recipients.addresses import lock_address, recipients_at
from tests.factories.notifications import GREETING, publish_many
from tests.stage.locks import waiting_for_a_lock
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("crowds", [1, 4])
def test_two_calls_never_wait_in_a_circle(crowds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """They name the same people or others, and the same keys, in opposite orders, in batches of two."""
    monkeypatch.setattr(many, "MOST_AT_ONCE", 2)
    users: list[Any] = User.objects.bulk_create(
        User(username=str(n), email=f"{n}@example.com") for n in range(8 * crowds)
    )
    users += [Address(email=f"guest{n}@example.com") for n in range(4 * crowds)]
    kinds.register(GREETING)
    barrier = threading.Barrier(4)

    def announce(side: int) -> int:
        try:
            told = 0
            mine = users[side % crowds :: crowds]
            for turn in range(4):
                keyed = [To(user, dedupe_key=f"{turn}-{place}") for place, user in enumerate(mine)]
                barrier.wait(20)
                told += sum(bool(one.messages) for one in publish_many(keyed if side % 2 else keyed[::-1]))
        finally:
            connections.close_all()
        return told

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(announce, range(4))) == 4 * 12, "each key once, and no deadlock"
    assert Recipient.objects.count() == 12 * crowds, "one for each, whoever made it"
    heads = OutboxMessage.objects.filter(status=Status.PENDING.value)
    assert heads.count() == heads.values("recipient").distinct().count()


def test_a_stop_that_comes_meanwhile_waits_for_the_new_recipients_of_its_address() -> None:
    user = User.objects.create(username="ann", email="ann@example.com")
    key = "email:ann@example.com"
    kinds.register(GREETING)

    def refuse() -> None:
        try:
            with transaction.atomic():
                lock_address(key, using="default")
                AddressOptOut.objects.create(address=key, opt_out="email")
                recipients_at(key, using="default").update(opt_outs=["email"])
        finally:
            connections.close_all()

    has_published, may_commit = threading.Event(), threading.Event()

    def announce() -> None:
        try:
            with transaction.atomic():
                outbox.publish_many(GREETING.name, [user], context={"name": "Ann"})
                has_published.set()
                assert may_commit.wait(20)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        announced = pool.submit(announce)
        assert has_published.wait(20)
        refused = pool.submit(refuse)
        wait_until(waiting_for_a_lock)
        may_commit.set()
        announced.result(20)
        refused.result(20)

    assert Recipient.objects.get().opt_outs == ["email"]


@pytest.mark.alone
def test_ten_thousand_recipients_in_two_seconds() -> None:
    """The best of three, the first of which also makes the recipients."""
    users = User.objects.bulk_create(User(username=str(n), email=f"{n}@example.com") for n in range(10_000))
    seconds = []
    for turn in range(3):
        entries = [To(user, {"seat": user.pk}, f"{turn}:{user.pk}", "event:1") for user in users]
        began = time.perf_counter()
        answers = publish_many(entries)
        seconds.append(time.perf_counter() - began)
        assert sum(len(answer.messages) for answer in answers) == 10_000

    assert OutboxMessage.objects.filter(status=Status.PENDING.value).count() == 10_000, "one head per lane"
    assert min(seconds) < 2, seconds
