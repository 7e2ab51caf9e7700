"""What ends and what comes next in its lane, in one transaction: claimed as it is promoted, by the rules of a claim."""

import itertools
import threading
from collections.abc import Callable, Collection
from copy import copy

import pytest
from django.db import transaction
from psycopg._queries import MAX_CACHED_STATEMENT_LENGTH

from notifications.channels.base import Outgoing
from notifications.conf import Cap
from notifications.lifecycle import Accepted, Outcome, Permanent, Reason, Status, Transient
from notifications.models import OutboxMessage, Recipient
from notifications.operations import pause_channel
from notifications.protocol import sql_messages as sql
from notifications.protocol import sql_relays
from notifications.relay import intake
from notifications.relay.caps import Caps
from notifications.relay.messages import Claimed, Settlement
from notifications.relay.settle import Claiming, Settled, settle
from notifications.relay.settler import Settler
from notifications.relay.tally import Tally
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import HandRelay, RecordingChannel, running_loop, status_of
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def replaced(message: OutboxMessage, **fields: object) -> OutboxMessage:
    """A copy of `message` with other values in these fields."""
    copied = copy(message)
    for name, value in fields.items():
        setattr(copied, name, value)
    return copied


def sent(message: Claimed) -> Settlement:
    return Settlement(message, Status.SENT, message.attempts + 1, outcome=Accepted(f"id-{message.id}"))


def settled_by(relay: HandRelay, *batch: Settlement, channels: Collection[str] = ("sms",)) -> Settled:
    claiming = Claiming(channels)
    return settle(relay.connection, batch, relay_id=relay.lease.relay_id, now=0.0, claiming=claiming)


def test_the_next_of_each_lane_is_claimed_as_it_is_promoted(hand_relay: Callable[..., HandRelay]) -> None:
    lanes = [[publish_one(recipient) for _ in range(3)] for recipient in RecipientFactory.create_batch(2)]
    relay = hand_relay()
    heads = relay.claim()

    settled = settled_by(relay, *map(sent, heads))

    assert sorted(message.id for message in settled.next.claimed) == [lane[1].pk for lane in lanes]
    assert {settlement.message.id for settlement, _ in settled.written} == {message.id for message in heads}
    for message in settled.next.claimed:
        row = OutboxMessage.objects.get(pk=message.id)
        assert (row.status, row.claim_number, row.relay_id) == ("sending", 1, relay.lease.relay_id)
        assert row.claimed_at is not None
        assert (message.claim_number, message.relay_id) == (1, relay.lease.relay_id)
        assert message.next_attempt_at == row.next_attempt_at
    assert [status_of(lane[2]) for lane in lanes] == ["queued", "queued"]


def test_nothing_is_left_where_everything_promoted_is_claimed(hand_relay: Callable[..., HandRelay]) -> None:
    recipient = RecipientFactory()
    publish_one(recipient), publish_one(recipient)
    relay = hand_relay()

    settled = settled_by(relay, *map(sent, relay.claim()))

    assert not settled.next.is_left
    assert settled_by(relay, *map(sent, settled.next.claimed)).next == ([], False), "nor where the lane has ended"


def test_the_longest_statement_is_kept_parsed() -> None:
    assert len(sql.SETTLE_AND_CLAIM) <= MAX_CACHED_STATEMENT_LENGTH


def test_what_it_claims_is_read_as_a_claim_reads_it(hand_relay: Callable[..., HandRelay]) -> None:
    recipient = RecipientFactory(opt_outs=["email"], locale="de", time_zone="Europe/Berlin")
    publish_one(recipient), publish_one(recipient)
    relay = hand_relay()
    (head,) = relay.claim()

    ((claimed,)) = settled_by(relay, sent(head)).next.claimed
    OutboxMessage.objects.filter(pk=claimed.id).update(status="pending", relay=None, claim_number=0)
    (again,) = relay.claim()

    assert claimed == again


def test_what_goes_on_another_channel_waits_for_a_claim(hand_relay: Callable[..., HandRelay]) -> None:
    recipient = RecipientFactory()
    publish_one(recipient)
    other = publish_one(recipient)
    OutboxMessage.objects.filter(pk=other.pk).update(channel="email")
    relay = hand_relay()

    settled = settled_by(relay, *map(sent, relay.claim()))

    assert settled.next == ([], True)
    row = OutboxMessage.objects.get(pk=other.pk)
    assert (row.status, row.claim_number, row.relay_id, row.claimed_at) == ("pending", 0, None, None)


def test_a_relay_that_was_declared_dead_claims_nothing(hand_relay: Callable[..., HandRelay]) -> None:
    recipient = RecipientFactory()
    publish_one(recipient)
    second = publish_one(recipient)
    relay, other = hand_relay(), hand_relay()
    heads = relay.claim()
    relay.let_lease_run_out()
    assert other.declare_dead(relay) == [relay.lease.relay_id]

    assert settled_by(relay, *map(sent, heads)).next.claimed == []
    assert status_of(second) == "pending"


def test_a_stale_outcome_claims_nothing(hand_relay: Callable[..., HandRelay]) -> None:
    recipient = RecipientFactory()
    publish_one(recipient)
    second = publish_one(recipient)
    relay = hand_relay()
    (head,) = relay.claim()
    relay.settle(sent(head))

    settled = settled_by(relay, sent(head))

    assert (settled.written, settled.next.claimed) == ([], [])
    assert status_of(second) == "pending"


def test_a_retry_stays_ahead_of_what_comes_next(hand_relay: Callable[..., HandRelay]) -> None:
    recipient = RecipientFactory()
    publish_one(recipient)
    second = publish_one(recipient)
    relay = hand_relay()
    (head,) = relay.claim()

    assert settled_by(relay, Settlement(head, Status.PENDING, 1, delay=60.0)).next.claimed == []
    assert status_of(second) == "queued"


def test_an_opt_out_counts_for_the_very_next_message(hand_relay: Callable[..., HandRelay]) -> None:
    recipient = RecipientFactory()
    publish_one(recipient)
    second = publish_one(recipient)
    relay = hand_relay()
    (head,) = relay.claim()
    refused = Permanent("21610", reason=Reason.OPTED_OUT)

    assert settled_by(relay, Settlement(head, Status.FAILED, 1, outcome=refused)).next.claimed == []
    assert status_of(second) == "pending"
    assert Recipient.objects.get(pk=recipient.pk).opt_outs == ["sms"]
    assert relay.claim()[0].opt_outs == ["sms"]


def test_what_it_claims_counts_against_the_caps(hand_relay: Callable[..., HandRelay]) -> None:
    recipient = RecipientFactory()
    for _ in range(3):
        publish_one(recipient)
    relay, settler = hand_relay(), Settler(Tally())
    caps = Caps([Cap("recipient", "hour", 1)], address_fields={"sms": "phone"})
    (head,) = relay.claim()
    claiming = Claiming(["sms"], lambda claimed: caps.apply(relay.connection, claimed))

    settler.add([sent(head)])
    (second,) = settler.settle(relay.connection, relay_id=relay.lease.relay_id, claiming=claiming).claimed
    settler.add([sent(second)])
    third = settler.settle(relay.connection, relay_id=relay.lease.relay_id, claiming=claiming).claimed

    assert third == []
    (over,) = settler.unsettled
    assert (over.status, over.code) == (Status.CANCELLED, "cap_recipient_hour")
    settler.settle(relay.connection, relay_id=relay.lease.relay_id)
    assert set(OutboxMessage.objects.values_list("status", flat=True)) == {"sent", "cancelled"}


def test_what_cannot_be_written_claims_and_counts_nothing(hand_relay: Callable[..., HandRelay]) -> None:
    recipient = RecipientFactory()
    publish_one(recipient)
    second = publish_one(recipient)
    relay, settler = hand_relay(), Settler(Tally())
    (head,) = relay.claim()
    caps = Caps([Cap("recipient", "hour", 0)], address_fields={"sms": "phone"})
    claiming = Claiming(["sms"], lambda claimed: caps.apply(relay.connection, claimed))

    settler.add([Settlement(head, Status.SENT, 1, outcome=Accepted("x" * 300))])  # the column holds 255
    claimed = settler.settle(relay.connection, relay_id=relay.lease.relay_id, claiming=claiming).claimed

    assert (claimed, settler.unsettled) == ([], [])
    assert status_of(second) == "pending"


def test_what_a_lost_reply_claimed_is_given_back(hand_relay: Callable[..., HandRelay]) -> None:
    recipient = RecipientFactory()
    publish_one(recipient)
    second = publish_one(recipient)
    relay = hand_relay()

    settled_by(relay, *map(sent, relay.claim()))  # and nobody learns of it
    relay.connection.execute(
        sql_relays.RETURN_UNANSWERED, {"relay": relay.lease.relay_id, "ids": [], "claim_numbers": []}
    )

    assert status_of(second) == "pending"
    assert relay.claim()[0].claim_number == 2


def test_nobody_waits_for_a_lane_that_is_long() -> None:
    """One thread, one long lane: what somebody else gets meanwhile is claimed next, not after that lane."""
    long, other = RecipientFactory(), RecipientFactory()
    order: list[int] = []
    is_published = threading.Event()

    def answer(outgoing: Outgoing) -> Outcome:
        order.append(outgoing.message_id)
        assert is_published.wait(20)
        return Accepted("yes")

    lane = [publish_one(long).pk for _ in range(30)]
    with running_loop(RecordingChannel(answer=answer), concurrency=1, batch=1):
        wait_until(lambda: order)
        urgent = publish_one(other).pk
        is_published.set()
        wait_until(lambda: len(order) == 31)
    assert order.index(urgent) <= 3
    assert [pk for pk in order if pk != urgent] == lane


def test_a_long_lane_needs_no_claim_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    recipient = RecipientFactory()
    lane = [publish_one(recipient).pk for _ in range(40)]
    channel = RecordingChannel()
    claims = itertools.count()
    with running_loop(channel) as loop:
        claim = loop._intake.claim
        monkeypatch.setattr(loop._intake, "claim", lambda *given, **named: (next(claims), claim(*given, **named))[1])
        wait_until(lambda: len(channel.sent) == 40)
    assert [outgoing.message_id for outgoing in channel.sent] == lane
    assert next(claims) < 20


def test_a_kill_after_the_commit_leaves_what_it_claimed_unknown_and_first(hand_relay: Callable[..., HandRelay]) -> None:
    """Nobody knows whether the claimed message was begun: so it is sent again, before the rest of its lane (G4, G6)."""
    recipient = RecipientFactory()
    first, second, third = (publish_one(recipient) for _ in range(3))
    killed, successor = hand_relay(), hand_relay()
    settled_by(killed, *map(sent, killed.claim()))
    killed.let_lease_run_out()
    assert successor.declare_dead(killed) == [killed.lease.relay_id]
    assert successor.rescue(killed.lease.relay_id) == 1

    (again,) = successor.claim()

    assert (again.id, again.claim_number, again.rescues) == (second.pk, 2, 1)
    assert second.deliveries.get().answer == "unknown"
    assert [status_of(message) for message in (first, second, third)] == ["sent", "sending", "queued"]


def test_a_pause_ends_a_lane_that_claims_by_itself() -> None:
    recipient, is_paused = RecipientFactory(), threading.Event()
    lane = [publish_one(recipient).pk for _ in range(4)]
    copied = OutboxMessage.objects.get(pk=lane[-1])
    copies = [replaced(copied, pk=None) for _ in range(2_000)]
    lane += [message.pk for message in OutboxMessage.objects.bulk_create(copies)]

    def answer(outgoing: Outgoing) -> Outcome:
        assert len(channel.sent) < 3 or is_paused.wait(20)
        return Accepted("yes")

    channel = RecordingChannel(answer=answer)
    with running_loop(channel) as loop:
        wait_until(lambda: len(channel.sent) == 3)
        pause_channel.pause("sms", actor="ann")
        is_paused.set()
        wait_until(lambda: not loop._gate.open_channels() and not loop._in_flight)
        sent_before = len(channel.sent)
        assert sent_before < len(lane)
        assert OutboxMessage.objects.filter(status="pending").count() == 1
        assert OutboxMessage.objects.filter(status="sending").count() == 0
        pause_channel.resume("sms", actor="ann")
        wait_until(lambda: len(channel.sent) > sent_before)
    assert [outgoing.message_id for outgoing in channel.sent] == lane[: len(channel.sent)]


def test_a_head_of_a_paused_channel_keeps_no_other_lane_waiting_and_is_not_looked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its lane stands still; the relay neither claims it nor searches for it at every turn."""
    stuck, free = RecipientFactory(), RecipientFactory()
    publish_one(stuck)
    head = publish_one(stuck)
    OutboxMessage.objects.filter(pk=head.pk).update(channel="email")
    for _ in range(60):
        publish_one(free)
    sms, email, claims = RecordingChannel("sms"), RecordingChannel("email"), itertools.count()
    email.address_field = "email"
    with running_loop(sms, email) as loop:
        pause_channel.pause("email", actor="ann")
        claim = loop._intake.claim
        monkeypatch.setattr(loop._intake, "claim", lambda *given, **named: (next(claims), claim(*given, **named))[1])
        wait_until(lambda: len(sms.sent) == 61)
    assert (status_of(head), len(email.sent)) == ("pending", 0)
    assert next(claims) < 20


def test_a_retry_needs_no_heartbeat_to_be_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([Accepted("yes"), Transient("busy"), Accepted("yes")])
    channel = RecordingChannel(answer=lambda outgoing: next(answers))
    monkeypatch.setattr(intake, "POLL_SECONDS", 60.0)
    with running_loop(channel) as loop:
        publish_one(RecipientFactory())
        wait_until(lambda: OutboxMessage.objects.filter(status="sent").exists() and not loop._timer.is_due)
        monkeypatch.setattr(loop, "_beat", lambda: None)
        publish_one(RecipientFactory())
        wait_until(lambda: len(channel.sent) == 3, seconds=8)


def test_two_relays_never_have_one_lane_in_hand(hand_relay: Callable[..., HandRelay]) -> None:
    recipient = RecipientFactory()
    publish_one(recipient)
    publish_one(recipient)
    relay, other = hand_relay(), hand_relay()
    heads = relay.claim()
    with transaction.atomic():
        Recipient.objects.select_for_update().get(pk=recipient.pk)
        settled = settled_by(relay, *map(sent, heads))  # the lane is locked: it waits, and claims nothing
        assert (len(settled.waiting), settled.next.claimed, other.claim()) == (1, [], [])
    assert len(settled_by(relay, *settled.waiting).next.claimed) == 1
    assert other.claim() == []
