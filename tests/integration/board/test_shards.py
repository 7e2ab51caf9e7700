"""All shards at one look, for staff of the operators' shard alone."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connections
from django.utils import timezone
from pytest_django import Settings

from bookings.staff_tokens import make_staff_token
from notifications.models import OutboxMessage
from notifications.shards import on_database
from tests.factories.notifications import GREETING, RecipientFactory, publish_one, registered
from tests.stage.two_shards import DATABASES, NAMES, NORTH, SOUTH, browser, signed_in

pytestmark = [pytest.mark.django_db(databases=DATABASES), pytest.mark.usefixtures("two_shards")]
PAGE, API = "/admin/outbox/shards/", "/api/staff/outbox/shards/"


@pytest.fixture
def bosses(settings: Settings) -> dict[str, User]:
    """A superuser of the same name in each shard; the north is the operators'."""
    settings.OUTBOX_OPERATORS_SHARD = NORTH
    made = {}
    for name in NAMES:
        with on_database(name):
            made[name] = User.objects.create_superuser("boss")
    return made


def wrong_in_the_south() -> None:
    with on_database(SOUTH), registered(GREETING):
        publish_one(RecipientFactory())
        OutboxMessage.objects.update(next_attempt_at=timezone.now() - timedelta(hours=1))


def token_of(name: str, boss: User) -> dict[str, str]:
    with on_database(name):
        token = make_staff_token(
            boss, scope=["notifications.view_outboxmessage"], hours=None, actor="test", reason="test"
        )
    return {"HTTP_AUTHORIZATION": f"Token {token}"}


def test_the_one_that_hurts_comes_first_with_its_alerts_and_its_board(bosses: dict[str, User]) -> None:
    wrong_in_the_south()
    page = signed_in(NORTH, bosses[NORTH]).get(PAGE).content.decode()
    assert page.index('href="https://south.example.com/admin/outbox/"') < page.index('href="https://north.example.com/')
    told = browser(NORTH).get(API, **token_of(NORTH, bosses[NORTH])).json()
    assert [(shard["name"], shard["waiting"]) for shard in told] == [(SOUTH, 1), (NORTH, 0)]
    assert any("sms" in line for line in told[0]["wrong"])
    assert all(line in page for line in told[0]["wrong"] if "'" not in line)
    assert "All shards" in signed_in(NORTH, bosses[NORTH]).get("/admin/outbox/").content.decode()
    one = browser(NORTH).get(f"{API}?shard=south", **token_of(NORTH, bosses[NORTH])).json()
    assert [shard["name"] for shard in one] == [SOUTH]


def test_a_superuser_of_another_shard_sees_none_of_it(bosses: dict[str, User], settings: Settings) -> None:
    theirs = signed_in(SOUTH, bosses[SOUTH])
    assert theirs.get(PAGE).status_code == 404
    assert browser(SOUTH).get(API, **token_of(SOUTH, bosses[SOUTH])).status_code == 404
    assert browser(NORTH).get(API, **token_of(SOUTH, bosses[SOUTH])).status_code == 401
    assert "All shards" not in theirs.get("/admin/outbox/").content.decode()
    settings.OUTBOX_OPERATORS_SHARD = ""
    assert signed_in(NORTH, bosses[NORTH]).get(PAGE).status_code == 404


def test_a_shard_that_is_away_is_said_to_be_and_hides_no_other(
    bosses: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OperationalError("connection to host db-7 failed")

    permit = token_of(NORTH, bosses[NORTH])
    monkeypatch.setattr(connections[SOUTH], "cursor", refuse)
    told = browser(NORTH).get(API, **permit).json()
    assert [(shard["name"], shard["is_away"], shard["waiting"]) for shard in told] == [
        (SOUTH, True, None),
        (NORTH, False, 0),
    ]
    assert told[0]["wrong"] == ["Its database does not answer."]
