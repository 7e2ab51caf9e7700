"""An address is its owner's: a stranger has nothing sent there but a code, lifts no STOP, and uses up no cap."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from notifications import outbox, verification
from notifications.conf import Cap
from notifications.content.confirmation_codes import code_of
from notifications.lifecycle import Permanent, Reason
from notifications.models import AddressOptOut, AddressVerification, OutboxMessage, Recipient
from notifications.recipients import inbound, opt_outs
from notifications.recipients.contact import recipient_of
from notifications.recipients.opt_outs import How
from tests.factories.bookings import CustomerFactory, client_of
from tests.factories.notifications import RecipientFactory, publish
from tests.factories.staff import staff
from tests.stage.relay import RecordingChannel, drain

VICTIM = "+14155550199"
MAIL = "victim@example.com"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stranger() -> Any:
    return CustomerFactory(phone="+14155550666")


@pytest.fixture
def door(stranger: Any) -> APIClient:
    return client_of(stranger)


def code() -> str:
    """The code that was sent last."""
    return code_of(AddressVerification.objects.latest("pk").pk)


def sent_to(field: str, address: str) -> list[str]:
    """The kinds of what goes to the address."""
    messages = OutboxMessage.objects.filter(**{f"recipient__{field}": address}).order_by("pk")
    return list(messages.values_list("kind", flat=True))


@pytest.mark.parametrize(("field", "address"), [("phone", VICTIM), ("email", MAIL)])
def test_only_a_code_goes_to_an_address_that_is_not_confirmed(
    door: APIClient, stranger: Any, field: str, address: str
) -> None:
    earlier = door.get("/api/me/").json()
    answer = door.patch("/api/me/", {field: address})
    publish(recipient_of(stranger))

    assert answer.status_code == 200
    assert answer.json() == earlier | {"unconfirmed": {field: address}}, "messages go where they went"
    assert sent_to(field, address) == [f"account.{field}_code"]


def test_the_code_that_arrives_makes_the_address_theirs_and_the_old_one_hears_of_it(
    door: APIClient, stranger: Any
) -> None:
    door.patch("/api/me/", {"phone": VICTIM})
    channel = RecordingChannel()
    drain(channel)
    assert code() in channel.sent[-1].parts["text"], "it is in the message, and there alone"
    assert code() not in str(list(OutboxMessage.objects.values()) + list(AddressVerification.objects.values()))
    answer = door.post("/api/me/confirm/", {"field": "phone", "code": code()})

    assert (answer.status_code, answer.json()["phone"], answer.json()["unconfirmed"]) == (200, VICTIM, {})
    assert sent_to("phone", "+14155550666") == ["account.phone_replaced"]
    drain(channel)
    assert "is now +1415...99" in channel.sent[-1].parts["text"], "the new one masked: who has the old one now?"
    assert Recipient.objects.get(user=stranger).phone_verified_at is not None
    assert door.post("/api/me/confirm/", {"field": "phone", "code": code()}).json()["code"] == "invalid_code", "once"


def test_guesses_are_few_also_at_once(stranger: Any, settings: Settings) -> None:
    verification.request_changes(stranger, phone=VICTIM)
    right, wrong = code(), f"{(int(code()) + 1) % 10**6:06}"

    def guess(_: int) -> None:
        try:
            with pytest.raises(verification.InvalidCode):
                verification.confirm(stranger, field="phone", code=wrong)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as side_by_side:
        list(side_by_side.map(guess, range(8)))
    assert AddressVerification.objects.get().guesses == settings.OUTBOX_CODE_GUESSES
    with pytest.raises(verification.InvalidCode):
        verification.confirm(stranger, field="phone", code=right)
    assert outbox.contact_of(stranger).phone == "+14155550666"


def test_a_code_ends_after_minutes_and_with_the_next_one(stranger: Any) -> None:
    verification.request_changes(stranger, phone=VICTIM)
    first = code()
    with pytest.raises(verification.InvalidCode):
        verification.confirm(stranger, field="phone", code=first, now=timezone.now() + timedelta(minutes=11))
    verification.request_changes(stranger, phone=VICTIM)
    with pytest.raises(verification.InvalidCode):
        verification.confirm(stranger, field="phone", code=first)
    assert verification.confirm(stranger, field="phone", code=code()).phone == VICTIM


def test_a_code_is_for_one_account_and_one_address(stranger: Any) -> None:
    other = CustomerFactory()
    verification.request_changes(stranger, phone=VICTIM)
    with pytest.raises(verification.InvalidCode):
        verification.confirm(other, field="phone", code=code())
    with pytest.raises(verification.InvalidCode):
        verification.confirm(stranger, field="email", code=code())


def test_nobody_is_flooded_with_codes(door: APIClient, settings: Settings) -> None:
    answers = [door.patch("/api/me/", {"phone": VICTIM}) for _ in range(settings.OUTBOX_CODES_PER_HOUR + 1)]
    assert (answers[-1].status_code, answers[-1].json()["code"]) == (429, "too_many_codes")
    assert 3500 < int(answers[-1]["Retry-After"]) <= 3601
    assert client_of(CustomerFactory()).patch("/api/me/", {"phone": VICTIM}).status_code == 429, "nor by many accounts"
    assert len(sent_to("phone", VICTIM)) == settings.OUTBOX_CODES_PER_HOUR


def test_a_stranger_lifts_no_stop_neither_by_profile_nor_by_a_second_account(door: APIClient, stranger: Any) -> None:
    owner = RecipientFactory(phone=VICTIM)
    inbound.receive(phone=VICTIM, channel="sms", text="STOP")
    outbox.change_contact(stranger, phone=VICTIM)  # by somebody's mistake

    answer = door.patch("/api/me/", {"sms_enabled": True})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["opt_ins"])
    assert publish(owner) == publish(recipient_of(stranger)) == []

    inbound.receive(phone=VICTIM, channel="sms", text="START")
    assert publish(owner)
    assert publish(recipient_of(stranger))


def test_a_stop_waits_for_whoever_gets_the_number_and_stays_with_it(stranger: Any) -> None:
    inbound.receive(phone=VICTIM, channel="sms", text="STOP")
    outbox.change_contact(stranger, phone=VICTIM)
    assert not outbox.contact_of(stranger).sms_enabled
    assert publish(recipient_of(stranger)) == []

    outbox.change_contact(stranger, phone="+14155550667")
    assert outbox.contact_of(stranger).sms_enabled, "it was the other number's"
    outbox.change_contact(stranger, sms_enabled=False)
    outbox.change_contact(stranger, phone="+14155550668")
    assert not outbox.contact_of(stranger).sms_enabled, "one's own opt-out stays"


def test_no_code_goes_to_a_number_that_said_stop(stranger: Any) -> None:
    inbound.receive(phone=VICTIM, channel="sms", text="STOP")
    verification.request_changes(stranger, phone=VICTIM)
    assert [(each.status, each.error_code) for each in OutboxMessage.objects.all()] == [("cancelled", "opted_out")]


def test_a_link_refuses_for_the_address_and_a_code_that_came_since_lifts_it(door: APIClient, stranger: Any) -> None:
    outbox.change_contact(stranger, email=MAIL)
    recipient = recipient_of(stranger)
    opt_outs.opt_out(recipient, channel="email", purpose=outbox.Purpose.REMINDER, how=How.LINK)
    wish = {"opt_ins": {"email": {"reminder": True}}}
    assert door.patch("/api/me/", wish, format="json").status_code == 400

    door.patch("/api/me/", {"email": MAIL})
    door.post("/api/me/confirm/", {"field": "email", "code": code()})
    assert door.patch("/api/me/", wish, format="json").json()["opt_ins"]["email"]["reminder"]
    assert not AddressOptOut.objects.exists()


def test_what_a_provider_refuses_is_the_numbers_too(stranger: Any) -> None:
    publish(RecipientFactory(phone=VICTIM))
    drain(RecordingChannel(answer=lambda _: Permanent("twilio_21610", reason=Reason.OPTED_OUT)))
    outbox.change_contact(stranger, phone=VICTIM)
    assert AddressOptOut.objects.get().address == f"phone:{VICTIM}"
    assert publish(recipient_of(stranger)) == []


def test_a_strangers_codes_use_up_nobodys_cap(stranger: Any) -> None:
    owner = RecipientFactory(phone=VICTIM)
    for _ in range(3):
        verification.request_changes(stranger, phone=VICTIM)
    for _ in range(2):
        publish(owner)
    drain(RecordingChannel(), caps=[Cap("number", "hour", 2)])
    ends = OutboxMessage.objects.filter(recipient=owner).values_list("status", flat=True)
    assert list(ends) == ["sent", "sent"]


def test_removing_an_address_tells_it(door: APIClient) -> None:
    assert door.patch("/api/me/", {"phone": ""}).json()["phone"] == ""
    assert sent_to("phone", "+14155550666") == ["account.phone_changed"]


def test_all_or_nothing(door: APIClient, settings: Settings) -> None:
    settings.OUTBOX_CODES_PER_HOUR = 1
    before = door.patch("/api/me/", {"phone": VICTIM}).json()
    assert door.patch("/api/me/", {"email": MAIL, "phone": VICTIM, "locale": "de"}).status_code == 429
    assert door.get("/api/me/").json() == before
    assert sent_to("email", MAIL) == []


def test_staff_do_not_see_the_code(stranger: Any) -> None:
    verification.request_changes(stranger, phone=VICTIM)
    page = reverse("admin:notifications_outboxmessage_change", args=[OutboxMessage.objects.get().pk])
    shown = staff("view_outboxmessage", "view_recipient").get(page)
    assert shown.status_code == 200
    assert code() not in shown.content.decode()


def test_a_project_may_vouch_for_what_its_customers_enter(door: APIClient, settings: Settings) -> None:
    settings.OUTBOX_VERIFY_ADDRESSES = False
    assert door.patch("/api/me/", {"phone": VICTIM}).json()["phone"] == VICTIM
    settings.OUTBOX_TRUST_USER_EMAIL = False
    assert outbox.contact_of(User.objects.create(username="fresh", email=MAIL)).email == ""


@pytest.fixture
def page(stranger: Any, client: Any) -> Any:
    client.force_login(stranger)
    return client


def test_the_page_changes_and_confirms(page: Any, stranger: Any) -> None:
    here = reverse("profile-page")
    page.post(here, {"phone": VICTIM, "email": stranger.email})
    assert VICTIM in page.get(here).content.decode()
    wrong = page.post(here, {"field": "phone", "code": "nope"}, follow=True)
    assert "not valid" in wrong.content.decode()
    done = page.post(here, {"field": "phone", "code": f" {code()} "}, follow=True)
    assert "Confirmed" in done.content.decode()
    assert outbox.contact_of(stranger).phone == VICTIM
    assert "Phone number:" in page.post(here, {"phone": "nonsense", "email": ""}).content.decode()
