"""How each shard is, for who looks after all of them: figures and alerts, and nothing of any person (G12).

OUTBOX_OPERATORS_SHARD names the one shard whose staff see this. Being staff of any other shard shows nothing of its
neighbours, and nobody becomes another shard's staff by it: there they sign in with an account of that shard.
"""

from dataclasses import dataclass, field

from django.db import DatabaseError, connections

from notifications.content.public_links import public_link
from notifications.monitoring.alert_rules import wrong_now
from notifications.selectors.overview import overview
from notifications.shards import current, on_database, operators_shard, shards

AWAY = "Its database does not answer."
BOARD = "outbox:board"


@dataclass(frozen=True, slots=True)
class ShardState:
    """One shard. `wrong` has a line for each alert that holds; none: all is well. Figures are None while it is away.

    `board` is the address of its own board; empty without a public address.
    """

    name: str
    board: str
    wrong: list[str] = field(default_factory=list)
    waiting: int | None = None
    oldest_due_seconds: float | None = None
    failed: int | None = None
    relays: int | None = None

    @property
    def is_away(self) -> bool:
        return self.waiting is None


def may_be_seen_here() -> bool:
    """Whether the shard at work is the one whose staff see all."""
    return bool(current()) and current() == operators_shard()


def shard_states(only: str = "") -> list[ShardState]:
    """All shards, or `only` one: those that are away first, then those with the most alerts, each as OUTBOX_SHARDS has
    them.
    """
    states = [_state_of(name) for name in shards() if name == (only or name)]
    return sorted(states, key=lambda state: (not state.is_away, -len(state.wrong)))


def _state_of(name: str) -> ShardState:
    with on_database(name):
        board = public_link(BOARD)
        try:
            now, found = overview(name), wrong_now(name)
        except DatabaseError:
            return ShardState(name, board, wrong=[AWAY])
        finally:
            if not connections[name].in_atomic_block:
                connections[name].close()  # a thread that looks at all keeps none of them
    return ShardState(
        name,
        board,
        wrong=list(found.alerts.values()),
        waiting=sum(now.messages[status] for status in ("queued", "pending", "sending")),
        oldest_due_seconds=now.oldest_due_seconds,
        failed=now.messages["failed"],
        relays=len(now.relays),
    )
