"""G10: staff move all of a channel to one of its routes, and back; every relay follows within a heartbeat."""

from datetime import datetime
from functools import partial
from typing import Any

import pytest
from pytest_django import Settings

from notifications.lifecycle import Transient
from notifications.models import ChannelState, OutboxMessage, Relay
from notifications.models.audit import OperatorAction
from notifications.operations import move_channel
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.routes import Provider, drain_routes, routes, running_routes
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
SHARES = {"twilio": {"share": 80.0}, "backup": {"share": 20.0}}


@pytest.fixture(autouse=True)
def two_routes(settings: Settings) -> None:
    settings.OUTBOX_ROUTES = {"sms": SHARES}


def wait_until_known() -> None:
    """Until each relay has acted on a heartbeat: the first may be under way, the third ends the second's use."""
    for _ in range(3):
        heard = heartbeats()
        wait_until(partial(have_all_beaten_since, heard))


def heartbeats() -> dict[int, datetime]:
    return dict(Relay.objects.values_list("pk", "heartbeat_at"))


def have_all_beaten_since(heard: dict[int, datetime]) -> bool:
    now = heartbeats()
    return all(now[relay] > before for relay, before in heard.items())


def send(number: int, *providers: Provider) -> list[int]:
    """Publish so many; how many of them each provider got."""
    before = [len(each.sent) for each in providers]
    for _ in range(number):
        publish_one(RecipientFactory())
    wait_until(lambda: not OutboxMessage.objects.exclude(status="sent").exists())
    return [len(each.sent) - had for each, had in zip(providers, before, strict=True)]


def test_a_move_and_its_end_reach_all_relays_within_a_heartbeat_and_are_recorded() -> None:
    first, second = Provider("twilio"), Provider("backup")
    shared = routes(first, second, **SHARES)
    with running_routes(first, second, **shared), running_routes(first, second, **shared):
        wait_until(lambda: Relay.objects.count() == 2)
        assert move_channel.move("sms", to="backup", actor="ann", reason="its rates doubled")
        assert not move_channel.move("sms", to="backup", actor="bob", reason="again"), "it was moved there already"
        wait_until_known()
        assert send(30, first, second) == [0, 30]
        state = ChannelState.objects.get(name="sms")
        assert (state.moved_to, state.moved_by, state.move_reason) == ("backup", "ann", "its rates doubled")

        assert move_channel.move_back("sms", actor="ann", reason="they came down")
        assert not move_channel.move_back("sms", actor="ann", reason="they came down")
        wait_until_known()
        got = send(50, first, second)
        assert got[0] >= 35, got
        assert got[1] >= 5, got
    recorded = OperatorAction.objects.order_by("pk").values_list(
        "action", "channel", "actor", "reason", "before", "after"
    )
    assert list(recorded) == [
        ("move", "sms", "ann", "its rates doubled", {"moved_to": ""}, {"moved_to": "backup"}),
        ("move_back", "sms", "ann", "they came down", {"moved_to": "backup"}, {"moved_to": ""}),
    ]


def test_a_move_to_a_provider_that_fails_keeps_nothing_from_being_sent() -> None:
    first, second = Provider("twilio"), Provider("backup", answer=Transient("connection_refused"))
    move_channel.move("sms", to="backup", actor="ann", reason="a test")
    messages = [publish_one(RecipientFactory()) for _ in range(3)]
    drain_routes(first, second, **routes(first, second, **SHARES))
    assert sorted(first.ids) == [each.pk for each in messages]
    assert sorted(second.ids) == [each.pk for each in messages], "it was tried first"


@pytest.mark.parametrize(
    ("channel", "to", "reason", "says"),
    [
        ("sms", "vonage", "a test", "it has the routes twilio, backup"),
        ("email", "twilio", "a test", "it has only one route"),
        ("sms", "backup", " ", "Say why"),
    ],
)
def test_a_move_that_cannot_be_is_refused(channel: str, to: str, reason: str, says: str, db: Any) -> None:
    with pytest.raises(ValueError, match=says):
        move_channel.move(channel, to=to, actor="ann", reason=reason)
    assert not OperatorAction.objects.exists()
