"""Where addresses come from: the project's function of a user counts, at publish and before each send."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.functional import SimpleLazyObject
from pytest_django import Settings

from notifications import outbox, telemetry, verification
from notifications.channels.base import Outgoing
from notifications.kinds import Kind
from notifications.lifecycle import Accepted, Outcome
from notifications.models import AddressOptOut, Recipient
from notifications.outbox import Address
from notifications.recipients import user_contact
from notifications.recipients.user_contact import from_user, read_for_sends
from notifications.relay.contacts import Contacts
from notifications.testing import drain as drain_in_process
from tests.factories.notifications import GREETING, publish, publish_one, registered
from tests.stage import relay
from tests.stage.relay import HandRelay, RecordingChannel
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
BY_EMAIL = Kind("test.greeting", channels=("email",))
SHIPPED = "notifications.recipients.user_contact.from_user"
OURS = f"{__name__}.of_project"


class EmailChannel(RecordingChannel):
    address_field = "email"


def of_project(user: User) -> Any:
    return answers[user.username]()


answers: dict[str, Callable[[], Any]] = {}


@pytest.fixture(autouse=True)
def _function(settings: Settings) -> Iterator[None]:
    settings.OUTBOX_CONTACT_OF = SHIPPED
    user_contact._reported.clear()
    yield
    answers.clear()


@pytest.fixture
def ann() -> User:
    return User.objects.create(username="ann", email="ann@example.com")


@pytest.fixture
def events() -> Iterator[list[str]]:
    heard: list[str] = []
    unsubscribe = telemetry.subscribe(lambda event, _: heard.append(event))
    yield heard
    unsubscribe()


def drain(channel: RecordingChannel) -> list[str]:
    """Where a relay sends what waits."""
    relay.drain(channel, read_contacts=partial(read_for_sends, using="default"))
    return [outgoing.address for outgoing in channel.sent]


def publish_email(user: User) -> None:
    publish(user, kind=BY_EMAIL)


def test_a_changed_address_is_used_from_the_next_send_on_and_kept(ann: User) -> None:
    publish_email(ann)
    User.objects.update(email="ann@new.example")

    assert drain(EmailChannel("email")) == ["ann@new.example"]
    assert Recipient.objects.get().email == "ann@new.example"


def test_so_does_a_test_of_the_projects(ann: User) -> None:
    publish_email(ann)
    User.objects.update(email="ann@new.example")

    assert [sent.to for sent in drain_in_process()] == ["ann@new.example"]


def test_a_changed_address_is_used_at_publish(ann: User) -> None:
    publish_email(ann)
    AddressOptOut.objects.create(address="email:ann@new.example", opt_out="email")
    ann.email = "ann@new.example"
    ann.save()

    with registered(BY_EMAIL), transaction.atomic():
        assert outbox.publish("test.greeting", recipient=ann, context={"name": "Ann"}) == [], "it has opted out"
    assert Recipient.objects.get().email == "ann@new.example"


def test_opt_outs_of_the_new_address_hold_and_those_of_the_old_one_do_not(ann: User) -> None:
    publish_email(ann)
    recipient = Recipient.objects.get()
    recipient.opt_outs = recipient.address_opt_outs = ["email:reminder"]
    recipient.save()
    AddressOptOut.objects.create(address="email:ann@new.example", opt_out="email")
    User.objects.update(email="ann@new.example")

    assert drain(EmailChannel("email")) == []
    recipient.refresh_from_db()
    assert recipient.opt_outs == ["email"]


def test_what_the_function_does_not_say_is_the_recipients_own(ann: User) -> None:
    outbox.change_contact(ann, phone="+4930901820", locale="de")
    publish_one(ann)

    assert drain(RecordingChannel()) == ["+4930901820"]
    contact = outbox.contact_of(ann)
    assert (contact.phone, contact.email, contact.locale) == ("+4930901820", "ann@example.com", "de")


def test_what_the_function_says_is_not_changed_elsewhere(ann: User) -> None:
    with pytest.raises(outbox.InvalidContact, match="Change it there"):
        verification.request_changes(ann, email="other@example.com")
    outbox.change_contact(ann, email="ann@example.com")
    with pytest.raises(outbox.InvalidContact, match="Change it there"):
        outbox.change_contact(ann, email="other@example.com")
    assert outbox.contact_of(ann).email == "ann@example.com"


def test_a_project_says_it_in_either_form(ann: User, settings: Settings) -> None:
    settings.OUTBOX_CONTACT_OF = OURS
    answers["ann"] = lambda: Address(phone="+49 30 901820", email="", locale="de", time_zone="Europe/Berlin")
    assert (outbox.contact_of(ann).phone, outbox.contact_of(ann).locale) == ("+4930901820", "de")

    answers["ann"] = lambda: {"phone": None, "locale": "no such", "email": "nobody"}
    contact = outbox.contact_of(ann)
    assert (contact.phone, contact.email, contact.locale) == ("", "", "de"), "what cannot be used is no address"
    assert contact.time_zone == "Europe/Berlin"


def test_many_new_ones_get_what_the_function_says(settings: Settings) -> None:
    settings.OUTBOX_CONTACT_OF = OURS
    users = [User.objects.create(username=name) for name in ("ann", "bob")]
    answers["ann"] = lambda: {"phone": "+4930901820"}
    answers["bob"] = lambda: {"email": "bob@example.com", "locale": "de"}

    with registered(GREETING), transaction.atomic():
        outbox.publish_many("test.greeting", users, context={"name": "all"})

    rows = Recipient.objects.order_by("user__username").values_list("phone", "email", "locale")
    assert list(rows) == [("+4930901820", "", "en"), ("", "bob@example.com", "de")]


def raise_error() -> None:
    raise ZeroDivisionError


def break_the_transaction() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")


@pytest.mark.parametrize("answer", [raise_error, break_the_transaction, lambda: {"telex": "1"}, lambda: "ann@x.org"])
def test_a_function_that_fails_stops_neither_publish_nor_send(
    ann: User, settings: Settings, events: list[str], answer: Callable[[], Any]
) -> None:
    publish_email(ann)
    settings.OUTBOX_CONTACT_OF, answers["ann"] = OURS, answer

    publish_email(ann)

    assert drain(EmailChannel("email")) == ["ann@example.com"] * 2, "the copy is used"
    assert events.count("contact.failed") == 3, "each is counted"
    assert events.count("contact.failing") == 1, "and one reported"


def test_a_function_that_hangs_stops_no_send(ann: User, settings: Settings, events: list[str]) -> None:
    for name in ("bob", "cy"):
        publish_email(User.objects.create(username=name, email=f"{name}@example.com"))
    settings.OUTBOX_CONTACT_OF = OURS
    released = threading.Event()
    answers["bob"] = answers["cy"] = lambda: released.wait(20) or {}
    contacts = Contacts(partial(read_for_sends, using="default"), seconds=0.05)
    hand = HandRelay()
    try:
        bob, cy = hand.claim(channels=("email",))
        assert contacts.fresh(bob) == bob
        wait_until(lambda: contacts._is_stuck)
        assert contacts.fresh(cy) == cy
        assert contacts._asked == [], "it did not ask, nor wait"
        assert events.count("contact.failed") == 2
        assert events.count("contact.failing") == 1
    finally:
        released.set()
        contacts._seconds = 20
        contacts.close()
        hand.close()


def test_a_locked_recipient_is_not_waited_for(ann: User, hand_relay: Callable[..., HandRelay]) -> None:
    publish_email(ann)
    User.objects.update(email="ann@new.example")
    AddressOptOut.objects.create(address="email:ann@new.example", opt_out="sms")
    (recipient,) = Recipient.objects.all()
    other = hand_relay().connection
    with other.transaction():
        other.execute("SELECT FROM notifications_recipient FOR UPDATE")
        fresh = read_for_sends([recipient.pk], using="default")[recipient.pk]

    assert (fresh["email"], fresh["opt_outs"]) == ("ann@new.example", ["sms"])
    recipient.refresh_from_db()
    assert recipient.email == "ann@example.com", "not yet"


def test_where_nothing_has_changed_one_query_serves_all_and_nothing_is_written() -> None:
    ids = []
    for name in ("ann", "bob", "cy"):
        publish_email(User.objects.create(username=name, email=f"{name}@example.com"))
        ids.append(Recipient.objects.latest("pk").pk)

    with CaptureQueriesContext(connection) as captured:
        assert len(read_for_sends(ids, using="default")) == 3
    assert len(captured) == 1


def test_one_that_was_erased_stays_so(ann: User) -> None:
    publish_email(ann)
    outbox.erase(ann, actor="staff")
    publish_email(ann)

    assert read_for_sends([Recipient.objects.get().pk], using="default") == {}, "as of one that was claimed before"
    assert drain(EmailChannel("email")) == []
    assert Recipient.objects.get().email == ""


def test_who_moves_while_an_answer_is_lost_is_written_to_at_the_new_address(ann: User) -> None:
    publish_email(ann)

    def answer(outgoing: Outgoing) -> Outcome:
        User.objects.update(email="ann@new.example")
        connection.close()  # this thread's
        return Accepted("first")

    publish_email(ann)
    assert drain(EmailChannel("email", answer)) == ["ann@example.com", "ann@new.example"]


def test_without_trust_in_the_user_table_it_says_nothing_of_email(ann: User, settings: Settings) -> None:
    settings.OUTBOX_TRUST_USER_EMAIL = False
    assert from_user(ann) == {}


@pytest.mark.parametrize(("path", "expected"), [("shop.contact", "imported"), ("notifications.conf.LANES", "is none")])
def test_a_path_that_leads_to_no_function_is_found_by_the_checks(path: str, expected: str, settings: Settings) -> None:
    settings.OUTBOX_CONTACT_OF = path
    (found,) = [each for each in run_checks() if each.id == "notifications.E016"]
    assert expected in found.msg


def test_the_user_of_a_request_is_asked_about_like_any_other() -> None:
    """Django's middleware sets request.user to a proxy, whose own type is not the user's."""
    User.objects.create(username="ann", email="ann@example.com")
    lazy: Any = SimpleLazyObject(lambda: User.objects.get(username="ann"))

    assert from_user(lazy) == {"email": "ann@example.com"}


@pytest.mark.parametrize("publishes", [outbox.publish, outbox.publish_many])
def test_a_user_whose_key_was_made_before_its_row_is_refused_at_once(publishes: Callable[..., Any]) -> None:
    """As with a UUID: only the commit would have found it, and said which constraint it breaks."""
    unsaved = User(pk=987_654)

    with registered(), transaction.atomic(), pytest.raises(outbox.InvalidRecipient, match="987654, which has no row"):
        publishes(GREETING.name, to=unsaved if publishes is outbox.publish else [unsaved], context={"name": "Ann"})
