"""The choice of a route, as a relay makes it for each message that it has claimed."""

from collections import Counter
from collections.abc import Collection
from math import inf
from types import SimpleNamespace
from typing import Any, cast

import pytest

from notifications.policy.routes import Route, RouteTimes
from notifications.relay.messages import Claimed
from notifications.relay.router import Router
from tests.stage.relay import RecordingChannel

RETURNS_SECONDS = 300.0
ROUTES = [Route("sms", "twilio", share=80.0), Route("sms", "vonage", share=20.0)]


def shares(*, recovered_for: float = inf, moved_to: str = "", hanging: Collection[str] = ()) -> Counter[str]:
    """How a thousand messages are divided where Twilio's outage ended so many seconds ago."""
    gate = SimpleNamespace(
        is_free=lambda key: True,
        is_probe=lambda key: False,
        moved_to=lambda channel: moved_to,
        recovered_for=lambda key: recovered_for if key == "sms:twilio" else inf,
    )
    router = Router(
        {"sms": ROUTES},
        gate=cast("Any", gate),
        senders={route.key: RecordingChannel() for route in ROUTES},
        times=RouteTimes(returns=RETURNS_SECONDS),
        is_stalled=lambda key: False,
        is_hanging=lambda key: key in hanging,
    )
    blank = Claimed(**dict.fromkeys(Claimed._fields))._replace(channel="sms", phone="+14155550100", claim_number=1)  # type: ignore[arg-type]
    nowhere = cast("Any", SimpleNamespace(execute=lambda *_: None))
    assigned, waiting = router.assign(nowhere, [blank._replace(id=number) for number in range(1, 1001)])
    assert waiting == []
    return Counter(message.route for message in assigned)


@pytest.mark.parametrize(
    ("recovered_for", "share"),
    [(0.0, 8 / 28), (29.0, 8 / 28), (30.0, 16 / 36), (150.0, 48 / 68), (RETURNS_SECONDS, 0.8), (inf, 0.8)],
)
def test_a_route_that_comes_back_gets_its_share_in_ten_steps(recovered_for: float, share: float) -> None:
    assert shares(recovered_for=recovered_for)["twilio"] / 1000 == pytest.approx(share, abs=0.01)


def test_a_channel_that_staff_moved_goes_over_that_route_alone() -> None:
    assert shares(recovered_for=0.0, moved_to="twilio") == {"twilio": 1000}


def test_a_provider_that_may_hang_gets_nothing_as_long_as_another_answers() -> None:
    assert shares(hanging=["sms:twilio"]) == {"vonage": 1000}
    assert shares(hanging=["sms:twilio", "sms:vonage"])["twilio"] == pytest.approx(800, abs=10), "better than none"
