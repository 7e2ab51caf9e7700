"""One lane as two may find it who meet there: a dead letter, a head, some that wait."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from notifications.lifecycle import Accepted, Outcome, Permanent, Status
from notifications.models import OutboxMessage, Recipient
from notifications.relay.messages import Claimed, Settlement
from notifications.selectors.database_clock import database_now
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import HandRelay


class Head(Enum):
    NONE = "none"
    DUE = "due"
    NOT_DUE = "not due"
    HELD = "claimed by a relay"
    HELD_BY_THE_DEAD = "claimed by a relay whose lease has run out"
    LEFT_BEHIND = "claimed by a relay that was declared dead"

    @property
    def is_held(self) -> bool:
        return self in (Head.HELD, Head.HELD_BY_THE_DEAD, Head.LEFT_BEHIND)


@dataclass(frozen=True, slots=True)
class Plot:
    """What the lane is to look like."""

    head: Head
    waiting: int = 0
    has_failed: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """The lane as it is: `held` is what `holder` has claimed of it. What has ended by `set_at` may be pruned."""

    who: Recipient
    holder: HandRelay
    ids: list[int]
    failed: list[int]
    held: list[Claimed]
    set_at: datetime


def set_the_scene(plot: Plot, holder: HandRelay) -> Scene:
    who = RecipientFactory()
    if plot.has_failed:
        publish_one(who)
    failed = settle_all(holder, Status.FAILED)
    ids = [] if plot.head is Head.NONE else [publish_one(who).pk for _ in range(1 + plot.waiting)]
    if plot.head is Head.NOT_DUE:
        OutboxMessage.objects.filter(pk=ids[0]).update(next_attempt_at=database_now() + timedelta(hours=1))
    held = holder.claim() if plot.head.is_held else []
    if plot.head in (Head.HELD_BY_THE_DEAD, Head.LEFT_BEHIND):
        holder.let_lease_run_out()
    if plot.head is Head.LEFT_BEHIND:
        holder.declare_dead(holder, prompt=False)
    return Scene(who, holder, ids, failed, held, database_now())


def settle_all(relay: HandRelay, status: Status) -> list[int]:
    """Claim all that is due, and settle it as sent or failed; returns the ids."""
    outcome = Accepted("yes") if status is Status.SENT else Permanent("no")
    claimed = relay.claim()
    relay.settle(*settlements(claimed, status, outcome))
    return [message.id for message in claimed]


def settlements(claimed: list[Claimed], status: Status, outcome: Outcome) -> list[Settlement]:
    return [Settlement(each, status, each.attempts + 1, None, outcome, began=0, ended=0) for each in claimed]
