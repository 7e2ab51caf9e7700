"""localstripe, a stateful Stripe server that others wrote, as a process; `python -m tests.stage.localstripe` runs it.

Started by its own command it would keep its books in a fixed file that every user of the machine shares.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET_KEY = "sk_test_12345"
GOOD_CARD, DECLINED_CARD = "4242424242424242", "4000000000000341"


class LocalStripe:
    """The server, seen by its customers and by those who look into its books."""

    def __init__(self, url: str) -> None:
        self.url = url

    def pay(self, order_id: str, *, state: str = "captured") -> Any:
        number = DECLINED_CARD if state == "failed" else GOOD_CARD
        card = {"number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123"}
        method = self._call("POST", "payment_methods", {"type": "card", "card": card})["id"]
        intent = self._call("POST", f"payment_intents/{order_id}", {"payment_method": method})
        self._call("POST", f"payment_intents/{order_id}/confirm", {}, allowed=402)
        return {"order_id": order_id, "payment_id": order_id, "signature": intent["client_secret"]}

    def refunded(self, payment_id: str) -> int:
        refunds = self._call("GET", f"refunds?payment_intent={payment_id}")
        return sum(refund["amount"] for refund in refunds["data"])

    def tell(self, url: str, *, secret: str) -> None:
        """Have every event posted to `url`, about a second after it happened."""
        self._call("POST", "../_config/webhooks/tests", {"url": url, "secret": secret})

    def _call(self, method: str, path: str, body: Any = None, *, allowed: int = 200) -> Any:
        answer = requests.request(
            method, f"{self.url}/v1/{path}", json=body, headers={"Authorization": f"Bearer {SECRET_KEY}"}, timeout=10
        )
        assert answer.status_code in (200, allowed), answer.text
        return answer.json() if answer.content else None


@contextmanager
def running_localstripe() -> Iterator[LocalStripe]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.stage.localstripe"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield LocalStripe(json.loads(process.stdout.readline())["url"])
    finally:
        process.kill()
        process.wait(timeout=10)
        process.stdout.close()


async def _serve() -> None:
    from aiohttp import web  # noqa: PLC0415  (for the process alone)
    from localstripe import resources, server  # noqa: PLC0415

    resources.Store.dump_to_disk = lambda _: None
    runner = web.AppRunner(server.app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"url": f"http://127.0.0.1:{runner.addresses[0][1]}"}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
