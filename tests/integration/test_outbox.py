"""Publishing: what is written, for whom, on which channels; and what is refused, with nothing written."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from datetime import timezone as tz
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection, connections, transaction
from django.utils import timezone
from pytest_django import Settings

from notifications import outbox
from notifications.kinds import Kind
from notifications.lifecycle import Status
from notifications.models import OutboxMessage, PublishedKey, Recipient
from notifications.protocol import notify
from tests.factories.notifications import GREETING, RecipientFactory, publish, publish_one

pytestmark = pytest.mark.django_db(transaction=True)
ALL = Kind("test.greeting", channels=("sms", "whatsapp", "email"))


def test_one_message_per_channel_the_first_of_which_leads_the_lane() -> None:
    messages = publish(RecipientFactory(), kind=ALL, reference="booking:7")

    assert [(message.channel, message.status) for message in messages] == [
        ("sms", Status.PENDING),
        ("whatsapp", Status.QUEUED),
        ("email", Status.QUEUED),
    ]
    written = OutboxMessage.objects.order_by("id")
    assert [message.pk for message in messages] == [message.pk for message in written]
    assert [message.context for message in written] == [{"name": "Ann"}] * 3
    assert outbox.messages_about(["booking:7", "booking:8"]) == {"booking:7": messages, "booking:8": []}


def test_a_connection_that_binds_parameters_in_the_server_will_do() -> None:
    options = connection.settings_dict["OPTIONS"]
    before = dict(options)
    connection.close()
    try:
        options |= {"server_side_binding": True, "prepare_threshold": 0}
        once, twice = (publish(RecipientFactory(), kind=ALL, reference="booking:7", dedupe_key=key) for key in "ab")
        assert list(OutboxMessage.objects.order_by("pk")) == [*once, *twice]
    finally:
        connection.close()
        options.clear()
        options |= before


def test_a_user_becomes_a_recipient_with_the_users_address() -> None:
    user = User.objects.create(username="ann", email="ann@example.com")

    publish(user)

    recipient = Recipient.objects.get()
    assert (recipient.user, recipient.email, recipient.phone) == (user, "ann@example.com", "")


def test_a_channel_that_the_recipient_has_switched_off_gets_no_message() -> None:
    messages = publish(RecipientFactory(opt_outs=["whatsapp"]), kind=ALL)

    assert [message.channel for message in messages] == ["sms", "email"]


def test_a_recipient_without_a_phone_still_has_a_row_that_says_why() -> None:
    assert [message.channel for message in publish(RecipientFactory(phone=""), kind=ALL)] == ["email"]
    assert OutboxMessage.objects.filter(status="cancelled", error_code="no_address").count() == 2


def test_the_same_dedupe_key_again_writes_nothing() -> None:
    recipient = RecipientFactory()
    assert len(publish(recipient, kind=ALL, dedupe_key="booking:7:confirmed")) == 3

    assert publish(recipient, kind=ALL, dedupe_key="booking:7:confirmed") == []
    assert publish(RecipientFactory(), dedupe_key="booking:7:confirmed") == []
    assert OutboxMessage.objects.count() == 3


def test_a_dedupe_key_outlives_its_messages() -> None:
    publish(RecipientFactory(), dedupe_key="once")
    OutboxMessage.objects.all().delete()

    assert publish(RecipientFactory(), dedupe_key="once") == []


def test_a_dedupe_key_of_a_transaction_that_was_rolled_back_is_free_again() -> None:
    recipient = RecipientFactory()
    with transaction.atomic():
        outbox.publish(GREETING.name, recipient=recipient, context={"name": "Ann"}, dedupe_key="once")
        transaction.set_rollback(True)

    assert len(publish(recipient, dedupe_key="once")) == 1


def test_one_key_published_from_all_sides_at_once_makes_one_message() -> None:
    recipients = RecipientFactory.create_batch(4)
    barrier = threading.Barrier(4)

    def announce(recipient: Recipient) -> int:
        try:
            barrier.wait(20)
            return len(publish(recipient, dedupe_key="once"))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(announce, recipients)) == [0, 0, 0, 1]


def test_a_kind_that_becomes_useless_says_when() -> None:
    kind = Kind("test.greeting", channels=("sms",), expires_after=timedelta(hours=1))

    message = publish_one(RecipientFactory(), kind=kind)

    assert message.expires_at is not None
    assert timedelta(minutes=59) < message.expires_at - timezone.now() <= timedelta(hours=1)


def test_lanes_per_channel_do_not_wait_for_each_other(settings: Settings) -> None:
    settings.OUTBOX_LANE = "recipient+channel"
    recipient = RecipientFactory()

    first = publish(recipient, kind=ALL)
    second = publish(recipient, kind=ALL)

    assert {message.status for message in first} == {Status.PENDING}
    assert {message.status for message in second} == {Status.QUEUED}


def test_relays_are_woken_once_per_transaction_and_after_it() -> None:
    recipient = RecipientFactory()
    with connections.create_connection("default").cursor() as listener:
        listener.execute(f"LISTEN {notify.CHANNEL}")
        heard = listener.connection
        with transaction.atomic():
            publish(recipient)
            publish(recipient)
            assert list(heard.notifies(timeout=0)) == []

        assert len(list(heard.notifies(timeout=2, stop_after=2))) == 1
        heard.close()


def test_a_wake_up_that_fails_does_not_harm_the_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(using: str) -> None:
        raise ConnectionError

    monkeypatch.setattr(notify, "notify", broken)

    publish(RecipientFactory())

    assert OutboxMessage.objects.count() == 1


def refused(error: type[Exception], match: str, **words: Any) -> None:
    """Publishing with `words` raises `error` and leaves every table as it was."""
    arguments = {"recipient": RecipientFactory(), "context": {"name": "Ann"}} | words
    kind = arguments.pop("kind", GREETING.name)
    with transaction.atomic():
        with pytest.raises(error, match=match):
            outbox.publish(kind, **arguments)
        assert (OutboxMessage.objects.count(), PublishedKey.objects.count()) == (0, 0), "and the transaction lives on"


def nested(levels: int, *, in_lists: bool) -> Any:
    """A name within lists or dicts within each other."""
    value: Any = "Ann"
    for _ in range(levels):
        value = [value] if in_lists else {"name": value}
    return value


@pytest.mark.parametrize(
    ("context", "match"),
    [
        ({"at": datetime(2026, 1, 1)}, "datetime is not JSON"),  # noqa: DTZ001
        ({"amount": float("nan")}, "not JSON compliant"),
        ({"amount": float("inf")}, "not JSON compliant"),
        ({"name": "Ann\x00"}, "NUL"),
        ({"name": "\\\x00"}, "NUL"),
        ({"name": "\ud800"}, "unpaired surrogate"),
        ({"many": {1, 2}}, "set is not JSON"),
        ({(1, 2): "tuple"}, "keys must be"),
        (["a", "list"], "it is a list"),
        ({"huge": 10**5000}, "digits"),
        ({"name": nested(101, in_lists=True)}, "nested more than 100 deep"),
        ({"name": nested(101, in_lists=False)}, "nested more than 100 deep"),
    ],
)
def test_a_context_that_is_not_json_is_refused(context: Any, match: str) -> None:
    refused(outbox.InvalidContext, match, context=context)


def test_a_context_nested_beyond_reason_is_refused() -> None:
    refused(outbox.InvalidContext, "recursion", context={"name": nested(100_000, in_lists=False)})


def test_a_text_that_only_looks_like_nul_is_welcome() -> None:
    with transaction.atomic():
        assert outbox.publish(GREETING.name, recipient=RecipientFactory(), context={"name": "\\u0000"})


def test_many_lists_beside_each_other_are_welcome() -> None:
    with transaction.atomic():
        assert outbox.publish(GREETING.name, recipient=RecipientFactory(), context={"names": [["Ann"]] * 1000})


@pytest.mark.parametrize(
    ("error", "match", "words"),
    [
        (outbox.UnknownKind, "booking.confirmd", {"kind": "booking.confirmd"}),
        (outbox.InvalidRecipient, "not str", {"recipient": "ann"}),
        (outbox.InvalidRecipient, "saved user", {"recipient": User(username="unsaved")}),
        (outbox.InvalidRecipient, "AnonymousUser", {"recipient": AnonymousUser()}),
        (outbox.InvalidRecipient, "saved", {"recipient": Recipient()}),
        (outbox.InvalidRecipient, "Recipient 987654321, which has no row", {"recipient": Recipient(pk=987654321)}),
        (outbox.InvalidMessage, "dedupe_key must be text of at most 200", {"dedupe_key": "x" * 201}),
        (outbox.InvalidMessage, "reference must be text of at most 100", {"reference": "x" * 101}),
        *(
            (outbox.InvalidMessage, "without NUL or an unpaired surrogate", {field: text})
            for field in ("dedupe_key", "reference", "replace")
            for text in ("a\x00", "\ud800")
        ),
        *(
            (outbox.InvalidMessage, match, {field: moment})
            for field in ("expires_at", "send_at")
            for match, moment in (
                ("time zone", datetime(2999, 1, 1)),  # noqa: DTZ001
                ("time zone", date(2999, 1, 1)),
                ("years 2 to 9998", datetime.max.replace(tzinfo=UTC)),  # no page could show it in Berlin's time
                ("years 2 to 9998", datetime.max.replace(tzinfo=tz(-timedelta(hours=12)))),
                ("years 2 to 9998", datetime.min.replace(tzinfo=UTC)),
            )
        ),
    ],
)
def test_what_cannot_be_published_is_refused(error: type[Exception], match: str, words: dict[str, Any]) -> None:
    publish(RecipientFactory())  # the kind is known
    OutboxMessage.objects.all().delete()

    refused(error, match, **words)


def test_publishing_outside_a_transaction_is_refused() -> None:
    recipient = RecipientFactory()

    with pytest.raises(outbox.NotInTransaction, match=r"transaction\.atomic"):
        outbox.publish(GREETING.name, recipient=recipient, context={})

    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
def test_publishing_above_read_committed_is_refused(isolation: str) -> None:
    recipient = RecipientFactory()

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}")
        with pytest.raises(outbox.UnsafeIsolation, match=isolation):
            outbox.publish(GREETING.name, recipient=recipient, context={})

    assert not OutboxMessage.objects.exists()
