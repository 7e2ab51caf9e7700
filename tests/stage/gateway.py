"""The sandbox payment gateway as a real process, and a customer who pays there."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from pytest_django import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET = "a secret of the tests"


@dataclass(frozen=True)
class GatewayProcess:
    """The running gateway, seen by its customers and by those who make it fail."""

    url: str

    def pay(self, order_id: str, **wishes: Any) -> dict[str, str]:
        """What a customer is handed who pays the order: order_id, payment_id, signature."""
        answer = requests.post(f"{self.url}/v1/orders/{order_id}/pay", json=wishes, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def is_in_the_mood(self, *, down: bool = False, delay: float = 0.0, refund_state: str = "succeeded") -> None:
        mood = {"down": down, "delay": delay, "refund_state": refund_state}
        requests.post(f"{self.url}/_sandbox/mood", json=mood, timeout=10).raise_for_status()

    def change_refund(self, refund_id: str, state: str) -> None:
        """Have a refund come to `state`; the shop is told if it wants to be."""
        address = f"{self.url}/_sandbox/refunds/{refund_id}"
        requests.post(address, json={"state": state}, timeout=10).raise_for_status()

    def tells(self, url: str) -> None:
        """Have every payment told to `url` from now on; "": to nobody."""
        requests.post(f"{self.url}/_sandbox/webhook", json={"url": url}, timeout=10).raise_for_status()

    def tell(self, payment_id: str, *, url: str, **wishes: str) -> int:
        """Have one payment told now; answers the status that the shop answered, 0 for none."""
        wish = {"payment_id": payment_id, "url": url} | wishes
        answer = requests.post(f"{self.url}/_sandbox/events", json=wish, timeout=60)
        answer.raise_for_status()
        return int(answer.json()["status"])

    def refunds(self) -> list[dict[str, Any]]:
        return requests.get(f"{self.url}/_sandbox/refunds", timeout=10).json()["refunds"]


@pytest.fixture(scope="session")
def gateway_process() -> Iterator[GatewayProcess]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bookings.sandbox", "--port", "0"],
        cwd=ROOT,
        env=os.environ | {"SANDBOX_GATEWAY_SECRET": SECRET},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield GatewayProcess(json.loads(process.stdout.readline())["url"])
    process.terminate()
    assert process.wait(timeout=10) == 0
    process.stdout.close()


@pytest.fixture
def payment_gateway(gateway_process: GatewayProcess, settings: Settings) -> Iterator[GatewayProcess]:
    """The gateway in a good mood, with the project's settings pointing at it."""
    settings.SANDBOX_GATEWAY_URL = gateway_process.url
    settings.SANDBOX_GATEWAY_SECRET = SECRET
    settings.PAYMENT_GATEWAY_TIMEOUT_SECONDS = 5
    yield gateway_process
    gateway_process.is_in_the_mood()
    gateway_process.tells("")
