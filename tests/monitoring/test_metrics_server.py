"""A relay's metrics and probes over HTTP, as Prometheus and a load balancer ask for them."""

from collections.abc import Callable

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from notifications.kinds import Kind
from notifications.sandbox.client import SandboxClient
from tests.factories.notifications import RecipientFactory, publish
from tests.stage.relay import RelayProcess
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

EVERYWHERE = Kind("test.greeting", channels=("sms", "whatsapp", "email"))
Start = Callable[..., RelayProcess]


def address_of(relay: RelayProcess) -> str:
    """Where it says that it serves its metrics."""
    assert relay.process.stdout
    line = relay.process.stdout.readline()
    assert line.startswith("Metrics at http://127.0.0.1:"), line
    return line.split()[2].removesuffix("/metrics,")


def scraped(url: str) -> dict[str, float]:
    """Every sample by name and labels: `name{a=b,c=d}`."""
    answer = requests.get(url, timeout=10)
    assert answer.status_code == 200
    return {
        f"{sample.name}{{{','.join(f'{name}={value}' for name, value in sorted(sample.labels.items()))}}}": sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_it_counts_what_it_does(relay_process: Start, providers: SandboxClient) -> None:
    failing, well = RecipientFactory.create_batch(2)
    providers.add_rule(channel="sms", to=failing.phone, times=1, status=429, retry_after=0)
    relay = relay_process("--metrics-port", "0")
    base = address_of(relay)
    for recipient in (failing, well):
        publish(recipient, kind=EVERYWHERE)
    all_ended = {
        f"outbox_messages_ended_total{{channel={c},kind=test.greeting,status=sent}}": 2.0 for c in EVERYWHERE.channels
    }
    wait_until(lambda: all_ended.items() <= scraped(f"{base}/metrics").items())
    seen = scraped(f"{base}/metrics")
    assert seen["outbox_attempts_total{answer=accepted,channel=sms,kind=test.greeting}"] == 2
    assert seen["outbox_attempts_total{answer=throttled,channel=sms,kind=test.greeting}"] == 1
    assert seen["outbox_send_seconds_count{channel=sms}"] == 3
    assert seen["outbox_end_to_end_seconds_count{channel=email}"] == 2
    assert 0 < seen["outbox_end_to_end_seconds_sum{channel=email}"] < 20
    assert seen["outbox_end_to_end_seconds_bucket{channel=email,le=+Inf}"] == 2
    assert seen["outbox_claimed_total{}"] == seen["outbox_settled_total{}"] == 7
    wait_until(lambda: scraped(f"{base}/metrics")["outbox_relay_messages_in_flight{}"] == 0)  # told with each beat
    assert seen["outbox_rescued_total{}"] == seen["outbox_stale_settles_total{}"] == 0
    assert seen["process_resident_memory_bytes{}"] > 1e6
    assert requests.get(f"{base}/", timeout=10).status_code == 404


def test_it_answers_probes(relay_process: Start) -> None:
    assert requests.get(f"{address_of(relay_process('--metrics-port', '0'))}/healthz", timeout=10).text == "ok\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--metrics-port", "99999"], "must be a port, or HOST:PORT, not '99999'"),
        (["--metrics-port", "localhost:"], "must be a port, or HOST:PORT"),
        (["--metrics-port", "192.0.2.1:9108"], "Cannot listen at 192.0.2.1:9108: "),
    ],
)
def test_an_address_that_cannot_be_is_refused_in_one_line(
    relay_process: Start, arguments: list[str], said: str
) -> None:
    code, output = relay_process(*arguments).wait()
    assert code != 0
    assert said in output
    assert "Traceback" not in output
