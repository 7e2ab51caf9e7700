"""Customers change their password, and end what somebody else may hold: sessions and tokens."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from bookings.tokens import AccessToken, find_token, give_token

pytestmark = pytest.mark.django_db(transaction=True)

PAGE, PASSWORD, NEW = "/accounts/security/", "a long pass phrase", "another pass phrase"


@pytest.fixture(autouse=True)
def ann() -> User:
    cache.clear()
    return User.objects.create_user("ann", "ann@example.com", PASSWORD)


def signed_in(password: str = PASSWORD) -> Client:
    client = Client()
    client.post("/login/", {"username": "ann", "password": password})
    return client


def is_in(client: Client) -> bool:
    return client.get(PAGE).status_code == 200


CHANGE = {"change-password": PASSWORD, "change-new_password": NEW}
EVERYWHERE = {"everywhere": "1", "everywhere-password": PASSWORD}


@pytest.mark.parametrize(("form", "password"), [(CHANGE, NEW), (EVERYWHERE, PASSWORD)])
def test_a_thief_is_out_everywhere_and_the_customer_stays_in(ann: User, form: dict[str, str], password: str) -> None:
    thief, own, token = signed_in(), signed_in(), give_token(ann)
    assert is_in(thief)
    assert own.post(PAGE, form).status_code == 302
    assert (is_in(thief), is_in(own), find_token(token)) == (False, True, None)
    assert not AccessToken.objects.exists()
    assert is_in(signed_in(password))
    assert is_in(signed_in(PASSWORD)) == (password == PASSWORD)


@pytest.mark.parametrize(
    "form",
    [
        CHANGE | {"change-password": "wrong"},
        CHANGE | {"change-new_password": "12345678"},
        CHANGE | {"change-new_password": ""},
        EVERYWHERE | {"everywhere-password": "wrong"},
        {"everywhere": "1"},
    ],
)
def test_an_open_session_is_not_enough_nor_is_a_poor_password(ann: User, form: dict[str, str]) -> None:
    other, token = signed_in(), give_token(ann)
    page = signed_in().post(PAGE, form)
    assert (page.status_code, 'role="alert"' in page.content.decode()) == (200, True)
    assert is_in(other)
    assert find_token(token)


def test_passwords_guessed_on_the_page_lock_as_at_the_login(ann: User) -> None:
    client = signed_in()
    statuses = [client.post(PAGE, EVERYWHERE | {"everywhere-password": "wrong"}).status_code for _ in range(6)]
    assert statuses[0] == 200
    assert statuses[-1] == 429


def test_customers_see_and_end_their_own_tokens_and_nobody_elses(ann: User) -> None:
    kept, ended = give_token(ann), give_token(ann)
    others = give_token(User.objects.create_user("bob"))
    client = signed_in()
    ids: Any = {find.pk for token in (kept, ended) if (find := find_token(token))}
    page = client.get(PAGE).content.decode()
    assert all(f"/tokens/{pk}/end/" in page for pk in ids)
    foreign, own = find_token(others), find_token(ended)
    assert foreign
    assert own
    assert f"/tokens/{foreign.pk}/end/" not in page
    assert client.post(f"{PAGE}tokens/{foreign.pk}/end/").status_code == 404
    assert client.get(f"{PAGE}tokens/{own.pk}/end/").status_code == 405
    assert client.post(f"{PAGE}tokens/{own.pk}/end/").status_code == 302
    assert [bool(find_token(token)) for token in (kept, ended, others)] == [True, False, True]
