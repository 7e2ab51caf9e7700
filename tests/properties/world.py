"""The outbox and its model, moved together: each move is made for real, then in the model, and both must agree."""

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from unittest import mock

from django.db import connection, transaction
from django.test import override_settings

from notifications import kinds, outbox
from notifications.kinds import Kind
from notifications.models import OutboxMessage, Recipient
from notifications.operations import pause_channel
from notifications.relay import delivery, failover, router
from notifications.selectors.database_clock import database_now
from tests.factories.notifications import RecipientFactory, registered
from tests.properties import snapshot
from tests.properties.invariants import offences
from tests.properties.model import Message, Model
from tests.properties.players import (
    AN_HOUR,
    OpenTransaction,
    Provider,
    Relay,
    announce,
    assert_waits,
    connection_beside,
)
from tests.stage.emptying import EMPTY

LONG_AGO = "UPDATE notifications_deliveryattempt SET ended_at = ended_at - interval '2 hours' WHERE answer = 'unknown'"
GREETING = "test.greeting"  # its templates are in tests/templates


@dataclass
class Standing:
    """How a relay's row and its lock are: `is_silent`, no heartbeat of late; `is_out`, its lease has run out."""

    is_silent: bool = False
    is_out: bool = False
    is_lock_free: bool = False


class World:
    """An empty outbox, some recipients and relays, and the model of what must be there."""

    def __init__(self, *, lanes: str, recipients: int, relays: int) -> None:
        self._stack = ExitStack()
        with connection.cursor() as cursor:
            cursor.execute(EMPTY)
        self._stack.enter_context(override_settings(OUTBOX_LANE=lanes))
        self._stack.enter_context(registered())
        self._stack.enter_context(mock.patch.multiple(router, FIRST_WAIT=AN_HOUR, LAST_WAIT=AN_HOUR))
        for module in (failover, delivery):  # what waits is due when the test says so
            self._stack.enter_context(mock.patch.object(module, "ASK_AFTER_SECONDS", AN_HOUR))
        self._stack.enter_context(connection_beside())
        self.model, self.provider = Model(), Provider()
        self.recipients: list[Recipient] = RecipientFactory.create_batch(recipients)
        self.relays: list[Relay] = []
        self.standing: dict[int, Standing] = {}
        self.open: OpenTransaction | None = None
        self.keys: set[str] = set()
        self.before: snapshot.Snapshot | None = None
        for _ in range(relays):
            self.start_relay()

    def start_relay(self) -> None:
        self.relays.append(Relay())
        self.relays[-1].serve(self.provider)
        self.standing[self.relays[-1].id] = Standing()

    def close(self) -> None:
        if self.open:
            self.open.end(commits=False)
        for relay in self.relays:
            relay.close()
        self._stack.close()

    def check(self) -> None:
        """The rows are those of the model, and keep the invariants."""
        now = snapshot.take()
        assert offences(now, before=self.before) == []
        assert now.messages == {key: message.row for key, message in self.model.messages.items()}
        assert now.attempts == sorted(self.model.attempts)
        assert now.replays == self.model.replays
        assert now.relays == self.standing.keys()
        self.before = now

    # Those who publish, withdraw and replay

    def publish(self, who: Recipient, channels: Sequence[str], *, commits: bool, key: str = "", lane: str = "") -> None:
        if self._is_locked(who.pk):
            assert_waits(lambda: self._announce(who, channels, key=key, lane=lane))
            return
        with transaction.atomic():
            written = self._announce(who, channels, key=key, lane=lane)
            transaction.set_rollback(not commits)
        assert [message.channel for message in written] == ([] if key and key in self.keys else list(channels))
        if commits:
            self.keys |= {key}
            self.model.publish(self._as_modelled(written))

    def publish_after_undoing(self, who: Recipient, channels: Sequence[str]) -> None:
        """Publish in a savepoint that is rolled back, then again, and commit."""
        if self._is_locked(who.pk):
            return
        with transaction.atomic():
            with transaction.atomic():
                self._announce(who, channels)
                transaction.set_rollback(True)
            written = self._announce(who, channels)
        self.model.publish(self._as_modelled(written))

    def cancel(self, ids: Collection[int]) -> None:
        self._change(ids, lambda: outbox.cancel(ids), lambda: self.model.cancel(ids))

    def replay(self, ids: Collection[int]) -> None:
        self._change(ids, lambda: outbox.replay(ids, actor="ann"), lambda: self.model.replay(ids))

    def _change(self, ids: Collection[int], act: Callable[[], list[int]], expected: Callable[[], list[int]]) -> None:
        if any(self._is_locked(self.model.messages[each].recipient) for each in ids):
            assert_waits(act)
        else:
            assert act() == expected()

    def pause(self, channel: str) -> None:
        assert pause_channel.pause(channel, actor="ann") == (channel not in self.model.paused)
        self.model.paused.add(channel)

    def resume(self, channel: str) -> None:
        assert pause_channel.resume(channel, actor="ann") == (channel in self.model.paused)
        self.model.paused.discard(channel)

    # Somebody's transaction that stays open meanwhile

    def begin(self) -> OpenTransaction:
        self.open = self.open or OpenTransaction()
        return self.open

    def publish_beside(self, who: Recipient, channels: Sequence[str], *, lane: str) -> None:
        begun = self.begin()
        messages = self._as_modelled(self._announce(who, channels, lane=lane, using=begun.ALIAS))
        begun.recipients.add(who.pk)
        begun.effects.append(lambda: self.model.publish(messages))

    def cancel_beside(self, ids: Collection[int]) -> None:
        begun = self._lock_beside(ids)
        withdrawn = outbox.cancel(ids, using=begun.ALIAS)
        begun.touched |= set(withdrawn)
        begun.effects.append(lambda: self._agree(self.model.cancel(withdrawn), withdrawn))

    def replay_beside(self, ids: Collection[int]) -> None:
        begun = self._lock_beside(ids)
        replayed = outbox.replay(ids, actor="ann", using=begun.ALIAS)
        begun.touched |= set(replayed)
        begun.effects.append(lambda: self._agree(self.model.replay(replayed), replayed))

    def end(self, *, commits: bool) -> None:
        if self.open:
            self.open.end(commits=commits)
            self.open = None

    def _lock_beside(self, ids: Collection[int]) -> OpenTransaction:
        begun = self.begin()
        begun.recipients |= {self.model.messages[each].recipient for each in ids}
        return begun

    @staticmethod
    def _agree(expected: list[int], done: list[int]) -> None:
        assert expected == done

    def _is_locked(self, recipient: int) -> bool:
        return self.open is not None and recipient in self.open.recipients

    def _announce(
        self, who: Recipient, channels: Sequence[str], *, key: str = "", lane: str = "", using: str = "default"
    ) -> list[OutboxMessage]:
        kinds.register(Kind(GREETING, channels=tuple(channels), lane=lane))
        return announce(who, GREETING, dedupe_key=key, using=using)

    def _as_modelled(self, written: Collection[OutboxMessage]) -> list[Message]:
        return [
            Message(each.pk, each.recipient_id, kinds.lane_name(each.kind, each.channel), each.channel)
            for each in written
        ]

    # Time

    def grow_late(self, ids: Collection[int]) -> None:
        """Their expires_at comes."""
        for message in self._free(ids):
            OutboxMessage.objects.filter(pk=message.id).update(expires_at=database_now() - timedelta(seconds=1))
            message.is_late = True

    def fall_due(self) -> None:
        """The retries' time comes, and providers that throttled take messages again."""
        for relay in self.relays:
            relay.wait_out()
        for message in self._free(self.model.messages):
            if message.status == "pending" and not message.is_due:
                OutboxMessage.objects.filter(pk=message.id).update(next_attempt_at=database_now())
                message.is_due = True

    def lose_patience(self) -> None:
        """Providers have left open for long enough whether they have what they did not answer."""
        with connection.cursor() as cursor:
            cursor.execute(LONG_AGO)
        for message in self.model.messages.values():
            message.is_patience_over = message.is_doubtful

    def fall_silent(self, relay_id: int) -> None:
        """Its heartbeat is late."""
        with connection.cursor() as cursor:
            late = "UPDATE notifications_relay SET heartbeat_at = clock_timestamp() - interval '1 minute' WHERE id = %s"
            cursor.execute(late, [relay_id])
        self.standing[relay_id].is_silent = True

    def _free(self, ids: Collection[int]) -> list[Message]:
        """Those whose lanes nobody has locked: their rows may be written."""
        messages = [self.model.messages[each] for each in ids]
        return [message for message in messages if not self._is_locked(message.recipient)]
