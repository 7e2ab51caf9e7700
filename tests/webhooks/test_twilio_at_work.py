"""Callbacks as they come: shuffled, told twice, one in ten forged; over HTTP, to the web as it runs in production.

Here in short. `RECEIPTS=10000 pytest -s tests/webhooks/test_twilio_at_work.py` is the long form, and prints figures.
"""

import http.client
import os
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import pytest
from django.utils import timezone

from notifications.lifecycle import ReceiptStatus, Status
from notifications.models import OutboxMessage, Receipt, Recipient
from tests.factories.notifications import RecipientFactory
from tests.stage.web import running_web
from tests.webhooks.twilio import ACCOUNT_SID, AUTH_TOKEN, FORM, PUBLIC_URL, STATUS, sid, signature, status_fields

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

CALLBACKS = int(os.environ.get("RECEIPTS", "300"))
FORGED = 0.1
LEAST_PER_SECOND = 300
CONNECTIONS = 8
# What Twilio tells of a message, and how often it ends so.
LIVES = {("sent", "delivered"): 6, ("sent", "delivered", "read"): 2, ("sent", "undelivered"): 1, ("sent",): 1}
FINAL = {
    "sent": "",
    "delivered": ReceiptStatus.DELIVERED,
    "read": ReceiptStatus.READ,
    "undelivered": ReceiptStatus.UNDELIVERED,
}


@dataclass(frozen=True, slots=True)
class Callback:
    path: str
    body: str
    signature: str
    is_forged: bool


def test_callbacks_at_work(database_url: str) -> None:
    chance = random.Random(4)
    messages, expected, callbacks = _tell(chance)
    environment = {
        "DATABASE_URL": database_url,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "PUBLIC_URL": PUBLIC_URL,
    }
    with running_web(**environment) as address:
        began = time.perf_counter()
        answers = _post(address, callbacks)
        seconds = time.perf_counter() - began

    per_second = len(callbacks) / seconds
    print(f"\n{len(callbacks)} callbacks, {FORGED:.0%} forged, in {seconds:.1f} s: {per_second:.0f} a second")
    assert answers == Counter({204: sum(not each.is_forged for each in callbacks), 403: _forged(callbacks)})
    told = dict(OutboxMessage.objects.values_list("id", "receipt"))
    assert {message: told[message] for message in messages} == expected
    assert Receipt.objects.count() == len(messages)
    if CALLBACKS >= 10_000:
        assert per_second >= LEAST_PER_SECOND


def _tell(chance: random.Random) -> tuple[list[int], dict[int, str], list[Callback]]:
    """Messages, what becomes of each, and the callbacks that say so: each twice or once, and lies about them."""
    messages, expected, genuine = [], {}, []
    needed = round(CALLBACKS * (1 - FORGED))
    recipient = RecipientFactory()
    while len(genuine) < needed:
        message = _sent(recipient, number=len(messages) + 1)
        life = chance.choices(list(LIVES), weights=list(LIVES.values()))[0]
        told = [*life, *chance.sample(life, k=chance.randrange(len(life) + 1))][: needed - len(genuine)]
        genuine += [_callback(message, status) for status in told]
        messages.append(message.pk)
        expected[message.pk] = max((FINAL[status] for status in told), key=["", *ReceiptStatus].index)
    lies = [_lie(chance.choice(messages), chance) for _ in range(CALLBACKS - needed)]
    callbacks = genuine + lies
    chance.shuffle(callbacks)
    return messages, expected, callbacks


def _sent(recipient: Recipient, *, number: int) -> OutboxMessage:
    return OutboxMessage.objects.create(
        recipient=recipient,
        kind="test.greeting",
        channel="sms",
        context={},
        status=Status.SENT,
        claim_number=1,
        finished_at=timezone.now(),
        provider_id=sid(number),
    )


def _callback(message: OutboxMessage, status: str) -> Callback:
    path, fields = f"{STATUS}?message={message.pk}&claim=1", status_fields(status, of=message.provider_id)
    return Callback(path, urlencode(fields), signature(path, fields), is_forged=False)


def _lie(message: int, chance: random.Random) -> Callback:
    """Good news or bad, with the signature of something else."""
    path, fields = f"{STATUS}?message={message}&claim=1", status_fields(chance.choice(["read", "undelivered"]))
    other = chance.choice([(path, fields | {"MessageStatus": "sent"}), (STATUS, fields), (f"{path}0", fields)])
    return Callback(path, urlencode(fields), signature(*other), is_forged=True)


def _forged(callbacks: list[Callback]) -> int:
    return sum(each.is_forged for each in callbacks)


def _post(address: str, callbacks: list[Callback]) -> Counter[int]:
    """Post them over several connections at once; how often each status was answered."""
    answers: Counter[int] = Counter()
    lock = threading.Lock()

    def post(mine: list[Callback]) -> None:
        connection = http.client.HTTPConnection(str(urlsplit(address).netloc), timeout=60)
        counted: Counter[int] = Counter()
        for each in mine:
            headers = {"Content-Type": FORM, "X-Twilio-Signature": each.signature}
            connection.request("POST", each.path, each.body, headers)
            response = connection.getresponse()
            response.read()
            counted[response.status] += 1
        connection.close()
        with lock:
            answers.update(counted)

    threads = [threading.Thread(target=post, args=(callbacks[place::CONNECTIONS],)) for place in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
