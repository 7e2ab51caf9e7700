"""One web and one relay for two businesses: each request, message, link and callback stays in its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from bookings.models import Slot
from notifications.models import OutboxMessage
from notifications.sandbox.client import SandboxClient
from notifications.shards import on_database
from tests.factories.bookings import SlotFactory
from tests.stage.bouncer import free_port
from tests.stage.relay import RelayProcess
from tests.stage.two_shards import DATABASES, NAMES
from tests.stage.waiting import wait_until
from tests.stage.web import running_web

ASKED = 60  # requests at once of both, on the threads of two processes
PHONES = {"north": "+14155550170", "south": "+14155550171"}


@pytest.mark.timeout(240)
@pytest.mark.usefixtures("two_shards")
@pytest.mark.django_db(transaction=True, databases=DATABASES)
def test_two_businesses_on_one_web_and_one_relay(
    relay_process: Callable[..., RelayProcess], database_url: str, providers: SandboxClient
) -> None:
    port = free_port()
    path = f"{database_url}{'&' if '?' in database_url else '?'}options=-c%20search_path%3D{{shard}}"
    shards = {
        "SHARDS": ",".join(NAMES),
        "SHARD_OF": "config.shard_of.by_path",
        "DATABASE_URL": path,
        "PUBLIC_URL": f"http://127.0.0.1:{port}/{{shard}}",
        "OUTBOX_LINK_KEY": "a key that web and relay share",
        "SMS_PROVIDER": "twilio",
        "TWILIO_ACCOUNT_SID": providers.account_sid,
        "TWILIO_AUTH_TOKEN": providers.auth_token,
        "TWILIO_API_URL": providers.http_url,
        "TWILIO_SMS_FROM": "+14155550000",
        "OUTBOX_ALLOWED_COUNTRIES": "US",
    }
    for name in NAMES:
        with on_database(name):
            SlotFactory(title=f"A tour in the {name}")
    providers.tell_statuses("delivered")
    with running_web(port=port, **shards) as web:
        turns = [NAMES[number % 2] for number in range(ASKED)]
        with ThreadPoolExecutor(12) as pool:
            shown = list(pool.map(lambda name: titles(web, name), turns))
        assert shown == [[f"A tour in the {name}"] for name in turns]

        relay_process("--database", "all", **shards)
        for name, phone in PHONES.items():
            wanted = {"purpose": "signup", "address": phone}
            assert requests.post(f"{web}/{name}/api/accounts/codes/", json=wanted, timeout=30).ok
        wait_until(lambda: all(receipt_in(name) == "delivered" for name in NAMES), seconds=60)
    texts = {message.to: message.body for message in providers.messages()}
    assert set(texts) == set(PHONES.values())
    assert all(f"http://127.0.0.1:{port}/{name}/c/" in texts[phone] for name, phone in PHONES.items())
    assert not Slot.objects.exists()


def titles(web: str, name: str) -> list[str]:
    slots = requests.get(f"{web}/{name}/api/slots/", timeout=30).json()["results"]
    return [slot["title"] for slot in slots]


def receipt_in(name: str) -> str:
    message = OutboxMessage.objects.using(name).first()
    return message.receipt if message else ""
