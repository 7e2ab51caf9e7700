"""Each relay's work for the outbox as a whole, done with its heartbeats: rescue, return, and history (G3, G9).

A relay takes over from others that are dead, returns messages that its own claim took but whose reply was lost, and
keeps the history of how much waits.
"""

import time
from collections.abc import Collection
from math import inf

from notifications.relay.connection import Connection
from notifications.relay.lease import Heartbeat, Lease
from notifications.relay.messages import Claim, Clock
from notifications.relay.rescue import SETTLED_SESSION_SECONDS, declare_dead, rescue, return_unanswered_claims
from notifications.relay.tally import SAMPLE_SECONDS, count_departed, keep_history


class Maintainer:
    """Acts on what a heartbeat found; used by the relay's thread alone."""

    def __init__(self, lease: Lease, *, clock: Clock = time.monotonic) -> None:
        self._lease = lease
        self._clock = clock
        self._sampled_at = -inf
        self._connection: Connection | None = None  # the last one that was looked at

    def maintain(
        self, connection: Connection, heartbeat: Heartbeat, *, session_seconds: float, in_hand: Collection[Claim]
    ) -> bool:
        """Do what `heartbeat` shows to be necessary; returns whether messages may have become due.

        `session_seconds`: how long this session with the database has lasted; `in_hand`: what this relay has claimed
        and not settled.
        """
        departed = list(heartbeat.departed)
        if heartbeat.suspects:
            may_trust_locks = self._lease.holds_lock and session_seconds >= SETTLED_SESSION_SECONDS
            departed += declare_dead(connection, heartbeat.suspects, prompt=may_trust_locks)
        if departed:
            rescue(connection, departed)
        if departed or heartbeat.is_count_left_over:
            count_departed(connection)
        if self._clock() - self._sampled_at >= SAMPLE_SECONDS:
            self._sampled_at = self._clock()
            keep_history(connection)
        is_new_session = connection is not self._connection
        if heartbeat.held > (0 if is_new_session else len(in_hand)):
            return_unanswered_claims(connection, relay_id=self._lease.relay_id, in_hand=in_hand)
        self._connection = connection
        return bool(departed)
