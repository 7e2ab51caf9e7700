"""What two may do to one lane at the same moment: each move is one transaction, which stops before every statement."""

from collections.abc import Callable
from contextlib import nullcontext
from enum import Enum
from typing import Any
from unittest import mock

import psycopg
from django.db import connection, connections, transaction

from notifications import outbox
from notifications.lifecycle import Accepted, Outcome, Permanent, Status, Transient
from notifications.operations import pause_channel, prune
from notifications.relay import rescue
from notifications.relay.breaker import Breaker
from notifications.relay.gate import Gate
from tests.factories.notifications import GREETING
from tests.properties.players import announce
from tests.properties.scene import Scene, settlements
from tests.properties.turns import Turn
from tests.stage.relay import HandRelay

Play = Callable[[Turn], Any]
SAVEPOINTS = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")


class Move(Enum):
    """Those of the public, of staff, of the relay that holds the head, and of any other relay."""

    PUBLISH = "publish"
    PUBLISH_ONCE = "publish under a key that can be used once"
    CANCEL = "cancel"
    REPLAY = "replay"
    PRUNE = "prune"
    PAUSE = "pause"
    SEND = "settle as sent"
    REFUSE = "settle as failed"
    RETRY = "settle, to be tried again"
    MOVE_ON = "settle, to go over another route at once"
    HAND_BACK = "hand back"
    BEAT = "keep the lease"
    CLAIM = "claim"
    CLAIM_METERED = "claim within a rate"
    RESCUE = "take over from the dead"

    @property
    def is_relays(self) -> bool:
        return self.is_holders or self in (Move.CLAIM, Move.CLAIM_METERED, Move.RESCUE)

    @property
    def is_holders(self) -> bool:
        return self in (Move.SEND, Move.REFUSE, Move.RETRY, Move.MOVE_ON, Move.HAND_BACK, Move.BEAT)

    def may_wait_for(self, other: "Move") -> bool:
        """A relay waits for nobody who publishes, withdraws or replays; a claim for nobody but at a channel's rate."""
        if self is Move.CLAIM or (self is Move.RESCUE and other not in (Move.RESCUE, Move.BEAT)):
            return False
        return not self.is_relays or other.is_relays or (self is Move.CLAIM_METERED and other is Move.PAUSE)


def play(move: Move, scene: Scene, *, other: HandRelay, commits: bool) -> Play:
    """The move as one transaction, rolled back at its end unless it `commits`."""
    if not move.is_relays:
        return in_django(lambda: as_public_or_staff(move, scene), commits=commits)
    relay = scene.holder if move.is_holders else other
    return on_relay(relay, lambda: as_relay(move, scene, relay), commits=commits)


def as_public_or_staff(move: Move, scene: Scene) -> list[int]:
    """The ids of what was published, withdrawn, replayed."""
    match move:
        case Move.PUBLISH:
            return [message.pk for message in announce(scene.who, GREETING.name)]
        case Move.PUBLISH_ONCE:
            return [message.pk for message in announce(scene.who, GREETING.name, dedupe_key="once")]
        case Move.CANCEL:
            return outbox.cancel(scene.ids)
        case Move.REPLAY:
            return outbox.replay(scene.failed, actor="ann")
        case Move.PRUNE:
            prune.prune(scene.set_at, pause=lambda seconds: False)
        case Move.PAUSE:
            pause_channel.pause("sms", actor="ann")
    return []  # of the others nobody asks


def as_relay(move: Move, scene: Scene, relay: HandRelay) -> list[int]:
    """The ids of what was claimed, or has to wait."""
    match move:
        case Move.SEND:
            return settle(relay, scene, Status.SENT, Accepted("yes"))
        case Move.REFUSE:
            return settle(relay, scene, Status.FAILED, Permanent("no"))
        case Move.RETRY:
            return settle(relay, scene, Status.PENDING, Transient("refused"))
        case Move.MOVE_ON:
            return settle(relay, scene, Status.PENDING, Transient("refused"), tried="twilio")
        case Move.HAND_BACK:
            relay.hand_back(*scene.held)
        case Move.BEAT:
            relay.lease.beat(relay.connection, in_flight=len(scene.held))
        case Move.RESCUE:
            take_over(relay)
        case _:
            return claim_metered(relay) if move is Move.CLAIM_METERED else [message.id for message in relay.claim()]
    return []


def settle(relay: HandRelay, scene: Scene, status: Status, outcome: Outcome, *, tried: str | None = None) -> list[int]:
    batch = [each._replace(tried=tried) for each in settlements(scene.held, status, outcome)]
    return [waiting.message.id for waiting in relay.settle(*batch)]


def take_over(relay: HandRelay) -> None:
    """As a heartbeat does, by the lease alone."""
    heartbeat = relay.lease.beat(relay.connection, in_flight=0)
    relay.rescue(*heartbeat.departed, *rescue.declare_dead(relay.connection, heartbeat.suspects, prompt=False))


def claim_metered(relay: HandRelay) -> list[int]:
    gate = Gate({"sms": Breaker()}, rates={"sms": 1000.0})
    with gate.granting(relay.connection, {"sms": 100}) as limits:
        claimed = relay.claim(limits["sms"]) if limits else []
        gate.charge(relay.connection, claimed)
    return [message.id for message in claimed]


def in_django(act: Callable[[], Any], *, commits: bool) -> Play:
    """In a transaction of the thread's own connection."""

    def run(turn: Turn) -> Any:
        def stop_before(execute: Any, statement: str, *rest: Any) -> Any:
            if not statement.startswith(SAVEPOINTS):
                turn.gate()
            return execute(statement, *rest)

        connection.ensure_connection()
        turn.pid = connection.connection.info.backend_pid
        try:
            with transaction.atomic(), connection.execute_wrapper(stop_before):
                result = act()
                turn.gate()
                transaction.set_rollback(not commits)
            return result
        finally:
            connections.close_all()

    return run


def on_relay(relay: HandRelay, act: Callable[[], Any], *, commits: bool) -> Play:
    """In a transaction of the relay's connection; statement by statement, so without its pipeline."""

    def run(turn: Turn) -> Any:
        class StopsBefore(psycopg.Cursor[Any]):
            def execute(self, *statement: Any, **words: Any) -> Any:
                turn.gate()
                return super().execute(*statement, **words)

        turn.pid = relay.connection.info.backend_pid
        with (
            mock.patch.multiple(relay.connection, cursor_factory=StopsBefore, pipeline=nullcontext),
            relay.connection.transaction(force_rollback=not commits),
        ):
            result = act()
            turn.gate()
        return result

    return run
