"""The customer's answer does not wait for messages: verification while a relay sends, and while providers are down.

Both are measured in one run, in turns, over real HTTP against a real web process; the figures are ratios of medians.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from notifications.models import OutboxMessage
from notifications.sandbox.client import SandboxClient
from tests.stage.customers import Call, who_have_paid
from tests.stage.gateway import SECRET, GatewayProcess
from tests.stage.relay import RelayProcess
from tests.stage.waiting import wait_until
from tests.stage.web import running_web

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("commits_reach_the_disk")]

ROUNDS, EACH = 4, 12
WARM_UP = 10  # verifications, until connections are made and code is warm


@pytest.fixture
def web(transactional_db: None, database_url: str, payment_gateway: GatewayProcess) -> Iterator[str]:
    """The web's address."""
    environment = {"SANDBOX_GATEWAY_URL": payment_gateway.url, "SANDBOX_GATEWAY_SECRET": SECRET}
    with running_web(DATABASE_URL=database_url, **environment) as address:
        yield address


def seconds_of(verify: Call) -> float:
    """Until the booking was confirmed."""
    began = time.perf_counter()
    verify()
    return time.perf_counter() - began


def test_verification_waits_neither_for_a_sending_relay_nor_for_providers_that_are_down(
    web: str,
    payment_gateway: GatewayProcess,
    providers: SandboxClient,
    relay_process: Callable[..., RelayProcess],
    record_property: Callable[[str, Any], None],
) -> None:
    with who_have_paid(payment_gateway.url, web, number=WARM_UP) as calls:
        for verify in calls:
            verify()
    relay_process()
    unsent = OutboxMessage.objects.exclude(status="sent")
    wait_until(lambda: not unsent.exists())
    sent_before = OutboxMessage.objects.count()
    seconds: dict[str, list[float]] = {"sending": [], "down": []}
    with who_have_paid(payment_gateway.url, web, number=2 * ROUNDS * EACH) as calls:
        for turn in range(2 * ROUNDS):
            state = ("sending", "down")[turn % 2]
            (providers.down if state == "down" else providers.up)()
            seconds[state] += [seconds_of(verify) for verify in calls[turn * EACH : (turn + 1) * EACH]]
    providers.up()
    assert OutboxMessage.objects.filter(status="sent").count() > sent_before, "the relay was sending meanwhile"
    medians = {state: statistics.median(each) * 1000 for state, each in seconds.items()}
    record_property("median_ms", medians)
    print(f"verification, median: {medians['sending']:.1f} ms sending, {medians['down']:.1f} ms with providers down")
    assert medians["sending"] < 200, "what customers are promised, on a machine that may be busy; 20 to 30 is usual"
    assert medians["down"] < 1.5 * medians["sending"]
