"""G6, at work: answers get lost after Twilio has accepted, relays are killed, and hardly anything is received twice.

Here in short. `LOST_REPLIES=1000 LOST_REPLIES_KILLS=10 pytest -s tests/guarantees/test_g6_lost_replies.py` is the long
form; it prints its figures, with the question to Twilio and without.
"""

import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.db.models import Q

from notifications.lifecycle import SENT_AGAIN, Answer, Status
from notifications.models import DeliveryAttempt, OutboxMessage
from notifications.sandbox.client import SandboxClient
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RelayProcess
from tests.stage.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

MESSAGES = int(os.environ.get("LOST_REPLIES", "30"))
KILLS = int(os.environ.get("LOST_REPLIES_KILLS", "1"))
OF_ONE_PERSON = 5
LOST = 0.1  # of all sends: accepted, and no answer before the sender's deadline
PATIENT = {
    "OUTBOX_SEND_TIMEOUT_SECONDS": "1.5",
    "OUTBOX_LEASE_SECONDS": "4",
    "OUTBOX_MAX_ATTEMPTS": "20",
    "OUTBOX_BACKOFF_MAX_SECONDS": "1",
}

Start = Callable[..., RelayProcess]


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of a run, counted at the provider and in the attempts."""

    asks: bool
    messages: int
    received: int
    lost: int
    twice: int
    twice_unmarked: int
    unknown: int
    adopted: int
    sent_again: int
    kills: int

    def __str__(self) -> str:
        return (
            f"asking {'on' if self.asks else 'off'}: {self.messages} messages, {self.kills} kills, {self.unknown} "
            f"unknown outcomes; received twice {self.twice}, unmarked {self.twice_unmarked}, lost {self.lost}; "
            f"adopted {self.adopted}, sent again {self.sent_again}"
        )


@pytest.mark.parametrize("asks", [True, False], ids=["asking", "not asking"])
def test_lost_replies_and_kills(relay_process: Start, providers: SandboxClient, *, asks: bool) -> None:
    recipients = RecipientFactory.create_batch(MESSAGES // OF_ONE_PERSON)
    for number in range(OF_ONE_PERSON):
        for recipient in recipients:
            publish_one(recipient, name=f"{recipient.pk}, number {number}")
    providers.add_rule(probability=LOST, seed=6, delay=5, accept=True)
    providers.add_rule(delay=0.03)  # so that a kill finds sends on the wire

    environment = PATIENT | {"OUTBOX_ASK_BEFORE_RESEND": "1" if asks else "0"}
    _kill_relays(relay_process, environment)
    code, _ = relay_process("--drain", "--concurrency", "16", **environment).wait(timeout=300)
    assert code == 0

    figures = _count(providers, asks=asks)
    print(f"\n{figures}")
    assert figures.lost == 0, "each message was received at least once"
    assert figures.unknown > 0
    assert figures.twice_unmarked == 0, "each that was received twice is marked"
    if asks:
        assert figures.twice <= MESSAGES / 1000
        assert figures.adopted > 0
    assert not OutboxMessage.objects.exclude(status=Status.SENT).exclude(error_code="relay_lost").exists()


def _kill_relays(relay_process: Start, environment: dict[str, str]) -> None:
    """One relay after the other, each killed with sends on the wire."""
    chance = random.Random(6)
    for number in range(KILLS):
        relay = relay_process("--concurrency", "16", **environment)
        enough = MESSAGES * (number + 1) // (KILLS + 2) - chance.randrange(5)
        wait_until(lambda: OutboxMessage.objects.filter(status=Status.SENT).count() >= enough, seconds=60)  # noqa: B023
        wait_until(lambda: OutboxMessage.objects.filter(status=Status.SENDING).exists(), seconds=60)
        relay.signal(signal.SIGKILL)
        relay.wait()


def _count(providers: SandboxClient, *, asks: bool) -> Figures:
    accepted = [received for received in providers.messages() if received.accepted]
    copies = Counter((received.to, received.body) for received in accepted)
    # Sent again and accepted, or given up because every relay that tried it was killed: both say so.
    sent_again = Q(deliveries__code=SENT_AGAIN, deliveries__answer=Answer.ACCEPTED)
    marked = {
        (message.recipient.phone, f"Hello {message.context['name']}")
        for message in OutboxMessage.objects.select_related("recipient").filter(
            sent_again | Q(status=Status.FAILED, error_code="relay_lost")
        )
    }
    attempts = DeliveryAttempt.objects.all()
    twice = {message for message, count in copies.items() if count > 1}
    return Figures(
        asks=asks,
        messages=MESSAGES,
        received=len(accepted),
        lost=MESSAGES - len(copies),
        twice=len(twice),
        twice_unmarked=len(twice - marked),
        unknown=attempts.filter(answer=Answer.UNKNOWN).count(),
        adopted=attempts.filter(code="adopted").count(),
        sent_again=attempts.filter(code=SENT_AGAIN).count(),
        kills=KILLS,
    )
