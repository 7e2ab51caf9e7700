"""Publishing to many: what each gets, in which order, what it costs, and that two calls never wait in a circle."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from notifications import kinds, outbox
from notifications.kinds import Kind
from notifications.lifecycle import HELD
from notifications.models import AddressOptOut, OutboxMessage, PublishedKey, Recipient
from notifications.outbox import Address, To
from notifications.protocol import notify
from notifications.recipients import many
from tests.factories.notifications import GREETING, RecipientFactory, publish, publish_many, publish_one

pytestmark = pytest.mark.django_db(transaction=True)
ALL = Kind("test.greeting", channels=("sms", "whatsapp", "email"))


def statuses(recipient: Recipient) -> list[tuple[str, str]]:
    return list(OutboxMessage.objects.filter(recipient=recipient).order_by("pk").values_list("channel", "status"))


def test_each_recipient_gets_the_messages_that_publish_would_have_written() -> None:
    one, other = RecipientFactory.create_batch(2)

    answers = publish_many([other, To(one, {"name": "Ann"}, dedupe_key="k", reference="booking:7")], kind=ALL)

    assert [answer.to.recipient for answer in answers] == [other, one]
    assert statuses(one) == [("sms", "pending"), ("whatsapp", "queued"), ("email", "queued")] == statuses(other)
    rows = OutboxMessage.objects.filter(pk__in=answers[1].messages).order_by("pk")
    assert {row.recipient_id for row in rows} == {one.pk}
    assert [row.context for row in rows] == [{"name": "Ann"}] * 3
    assert outbox.messages_about(["booking:7"]) == {"booking:7": list(rows)}
    assert OutboxMessage.objects.filter(pk__in=answers[0].messages, context={"name": "all"}).count() == 3


def test_a_context_of_ones_own_is_laid_over_the_one_that_all_have() -> None:
    publish_many([To(RecipientFactory(), {"seat": 7})], context={"name": "Ann", "seat": 0})

    assert OutboxMessage.objects.get().context == {"name": "Ann", "seat": 7}


def test_what_the_unwilling_and_the_duplicates_get_is_in_the_answer() -> None:
    willing, unwilling, again = RecipientFactory(), RecipientFactory(opt_outs=["sms", "email"]), RecipientFactory()
    publish(again, dedupe_key="known")

    answers = publish_many(
        [
            To(willing, dedupe_key="new"),
            To(unwilling),
            To(again, dedupe_key="known"),
            To(again, dedupe_key="new"),
        ],
        kind=ALL,
    )

    assert [len(answer.messages) for answer in answers] == [3, 1, 0, 0]
    assert [answer.is_duplicate for answer in answers] == [False, False, True, True]
    assert [dict(answer.suppressed) for answer in answers] == [{}, {"sms": "opted_out", "email": "opted_out"}, {}, {}]
    assert statuses(unwilling) == [("sms", "cancelled"), ("whatsapp", "pending"), ("email", "cancelled")]
    assert OutboxMessage.objects.filter(recipient=again).count() == 1, "the one from before"


def test_a_lane_that_is_not_empty_keeps_its_head() -> None:
    busy, idle = RecipientFactory.create_batch(2)
    publish_one(busy)

    publish_many([busy, idle])

    assert statuses(busy) == [("sms", "pending"), ("sms", "queued")]
    assert statuses(idle) == [("sms", "pending")]


def test_one_who_is_named_twice_gets_both_in_order() -> None:
    recipient = RecipientFactory()

    first, second = publish_many([To(recipient, {"name": "1"}), To(recipient, {"name": "2"})])

    assert statuses(recipient) == [("sms", "pending"), ("sms", "queued")]
    assert first.messages < second.messages


def test_lanes_of_channels_each_get_a_head(settings: Settings) -> None:
    settings.OUTBOX_LANE = "recipient+channel"

    publish_many(RecipientFactory.create_batch(2), kind=ALL)

    assert set(OutboxMessage.objects.values_list("status", flat=True)) == {"pending"}


def test_in_quiet_hours_many_are_held() -> None:
    hour = datetime.now(UTC).hour
    quiet = Kind("test.greeting", channels=("sms",), may_wait=True, quiet_hours=f"{hour}-{(hour + 2) % 24}")

    publish_many(RecipientFactory.create_batch(2), kind=quiet)

    assert set(OutboxMessage.objects.values_list("lane", "status")) == {(HELD, "queued")}


def test_users_become_recipients_with_their_address_and_what_it_has_refused() -> None:
    users = [User.objects.create(username=name, email=f"{name}@example.com") for name in ("ann", "bob", "cy")]
    known = publish_one(users[0]).recipient
    AddressOptOut.objects.create(address="email:bob@example.com", opt_out="email")

    answers = publish_many(users, kind=Kind("test.greeting", channels=("email",)))

    assert [bool(answer.messages) for answer in answers] == [True, False, True]
    recipients = [Recipient.objects.get(user=user) for user in users]
    assert recipients[0] == known
    assert [recipient.email for recipient in recipients] == [user.email for user in users]
    assert [recipient.address_opt_outs for recipient in recipients] == [[], ["email"], []]


def test_strangers_among_them_get_what_publish_would_have_written() -> None:
    known = RecipientFactory(user=None, phone="+5215512345678", email="")
    publish_one(known)
    AddressOptOut.objects.create(address="email:bob@example.com", opt_out="email")
    AddressOptOut.objects.create(address="phone:+4930901820", opt_out="sms")
    account = User.objects.create(username="ann", email="ann@example.com")

    answers = publish_many(
        [
            Address(phone="+52 1 55 1234 5678"),
            Address(email="Ann@example.com", locale="de", time_zone="Europe/Berlin"),
            To(Address(phone="+49 30 901820", email="bob@example.com"), {"name": "Bob"}),
            account,
            Address(email="ann@EXAMPLE.com"),
        ],
        kind=Kind("test.greeting", channels=("sms", "email")),
    )

    recipients = list(OutboxMessage.objects.order_by("pk").exclude(recipient=known).select_related("recipient"))
    assert Recipient.objects.filter(user=None).count() == 3
    assert statuses(known) == [("sms", "pending"), ("sms", "queued"), ("email", "cancelled")], "it has no email address"
    ann, bob = (Recipient.objects.get(user=None, email__istartswith=name) for name in ("ann", "bob"))
    assert (ann.phone, ann.email, ann.locale, ann.time_zone) == ("", "Ann@example.com", "de", "Europe/Berlin")
    assert len(statuses(ann)) == 4, "written twice, it is one lane"
    assert bob.opt_outs == bob.address_opt_outs == ["email", "sms"]
    assert dict(answers[2].suppressed) == {"sms": "opted_out", "email": "opted_out"}
    assert {message.recipient.user for message in recipients} == {None, account}


def test_an_address_among_them_that_is_none_is_refused_with_its_place() -> None:
    with pytest.raises(outbox.InvalidContact, match=r"to\[1\].email"):
        publish_many([Address(phone="+4930901820"), To(Address(email="bob"))])

    assert not Recipient.objects.exists()


def test_the_number_of_statements_does_not_grow_with_the_recipients(monkeypatch: pytest.MonkeyPatch) -> None:
    def statements(people: int) -> int:
        users = User.objects.bulk_create(
            User(username=f"{people}-{n}", email=f"{n}@example.com") for n in range(people)
        )
        with CaptureQueriesContext(connection) as captured:
            publish_many(
                [To(user, dedupe_key=user.username) for user in users]
                + [To(Address(phone=f"+49309{people:03}{n:03}"), dedupe_key=f"p{people}-{n}") for n in range(people)]
                + [To(Address(email=f"{n}@{people}.example.com")) for n in range(people)]
            )
        return len(captured)

    few = statements(3)
    assert statements(300) == few
    monkeypatch.setattr(many, "MOST_AT_ONCE", 100)
    assert statements(301) - few <= 9 * 12, "one more of each kind for each further batch"
    assert OutboxMessage.objects.count() == 3 * 604
    assert set(OutboxMessage.objects.values_list("status", flat=True)) == {"pending"}


def test_relays_are_woken_once_for_all() -> None:
    recipients = RecipientFactory.create_batch(3)
    with connections.create_connection("default").cursor() as listener:
        listener.execute(f"LISTEN {notify.CHANNEL}")
        heard = listener.connection
        with transaction.atomic():
            publish_many(recipients)
            publish_many(recipients)
            assert list(heard.notifies(timeout=0)) == []

        assert len(list(heard.notifies(timeout=2, stop_after=2))) == 1
        heard.close()


@pytest.mark.parametrize(
    ("error", "to", "words"),
    [
        (outbox.InvalidRecipient, lambda one: [one, "ann"], {}),
        (outbox.InvalidRecipient, lambda one: [one, User(username="unsaved")], {}),
        (outbox.InvalidRecipient, lambda one: [one, Recipient(pk=987654321)], {}),
        (outbox.InvalidContext, lambda one: [one, To(one, {"name": {1}})], {}),
        (outbox.InvalidContext, lambda one: [one, To(one, ["a", "list"])], {}),
        (outbox.InvalidMessage, lambda one: [one, To(one, dedupe_key="x" * 201)], {}),
        (outbox.UnknownKind, lambda one: [one], {"kind": "test.unheard"}),
    ],
)
def test_one_that_is_wrong_among_many_is_refused_with_nothing_written(
    error: type[Exception], to: Callable[[Recipient], list[Any]], words: dict[str, str]
) -> None:
    kinds.register(GREETING)
    with transaction.atomic():
        with pytest.raises(error):
            outbox.publish_many(words.get("kind", GREETING.name), to(RecipientFactory()), context={"name": "Ann"})
        assert (OutboxMessage.objects.count(), PublishedKey.objects.count()) == (0, 0)


def test_publishing_to_many_outside_a_transaction_or_above_read_committed_is_refused() -> None:
    kinds.register(GREETING)
    with pytest.raises(outbox.NotInTransaction):
        outbox.publish_many(GREETING.name, [RecipientFactory()])
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with pytest.raises(outbox.UnsafeIsolation):
            outbox.publish_many(GREETING.name, [Recipient(pk=1)])


def test_nobody_to_publish_to_writes_nothing() -> None:
    assert publish_many([]) == []
