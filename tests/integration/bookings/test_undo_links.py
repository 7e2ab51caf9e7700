"""The old address undoes a change by its link: in time, once, by a button; and whoever was signed in is out."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from bookings import accounts, undo_links
from notifications import outbox, verification
from notifications.models import AddressChange, Recipient
from tests.factories.codes import customer_who_signed_up, last_code
from tests.stage.accounts import MAIL, PASSWORD, RESET, is_in
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)
NEW, NEWER = "thief@example.com", "thief2@example.com"


@pytest.fixture
def ann() -> User:
    cache.clear()
    return customer_who_signed_up(MAIL, password=PASSWORD)


@pytest.fixture
def thief(ann: User) -> Client:
    """Somebody who holds a session of Ann's."""
    browser = Client()
    browser.force_login(ann)
    return browser


def take(browser: Client, address: str) -> None:
    browser.post("/accounts/profile/", {"email": address, "phone": ""})
    browser.post("/accounts/profile/", {"field": "email", "code": last_code()})


def link() -> str:
    """The path in the message to the old address that was written first."""
    inbox = RecordingChannel("email")
    inbox.address_field, inbox.templates = "email", {"text": "email.txt"}
    drain(inbox)
    told = [each.parts["text"] for each in inbox.sent if each.address == MAIL and "/u/" in each.parts["text"]]
    return str(re.findall(r"http://localhost:8000(/u/\S*)", told[0])[0])


@pytest.mark.parametrize("times", [1, 2])
def test_the_first_owner_gets_the_account_back_however_often_it_was_changed(
    ann: User, thief: Client, times: int
) -> None:
    for address in (NEW, NEWER)[:times]:
        take(thief, address)
    followed, owner = link(), Client()
    assert owner.get(followed).status_code == 200
    assert outbox.contact_of(ann).email == (NEW, NEWER)[times - 1], "opening it changes nothing"
    assert owner.post(followed).headers["Location"] == RESET
    assert outbox.contact_of(ann).email == MAIL
    assert not is_in(thief) or thief.get("/bookings/").status_code == 302
    assert not accounts.find("email", MAIL).is_too_new, "the owner comes in by a code at once"
    assert owner.post(followed).status_code == 404, "once"
    later = AddressChange.objects.filter(undone_at=None)
    assert not later.exists(), "the thief's own old address undoes nothing"


def test_a_removed_address_comes_back_too(ann: User, thief: Client) -> None:
    outbox.change_contact(ann, phone="+14155550199")
    thief.post("/accounts/profile/", {"email": "", "phone": "+14155550199"})
    assert outbox.contact_of(ann).email == ""
    Client().post(link())
    assert outbox.contact_of(ann).email == MAIL


def test_a_day_later_it_is_too_late(ann: User, thief: Client) -> None:
    take(thief, NEW)
    followed = link()
    AddressChange.objects.update(changed_at=timezone.now() - timedelta(hours=24, minutes=1))
    assert Client().get(followed).status_code == 404
    assert Client().post(followed).status_code == 404
    assert outbox.contact_of(ann).email == NEW


def test_nobody_makes_such_a_link(ann: User, thief: Client) -> None:
    take(thief, NEW)
    token = undo_links.token_of(AddressChange.objects.get().pk)
    for wrong in (token[:-1], token + "A", "1-", "-", "z" * 40 + "-x", "é-é", token.replace("-", "--", 1)):
        assert Client().post(f"/u/{wrong}/").status_code == 404
    assert outbox.contact_of(ann).email == NEW


def test_who_was_forgotten_stays_forgotten(ann: User, thief: Client) -> None:
    take(thief, NEW)
    change = AddressChange.objects.get()
    Recipient.objects.filter(user=ann).update(erased_at=timezone.now())
    assert verification.undo_change(change.pk, within=timedelta(days=1)) is None
