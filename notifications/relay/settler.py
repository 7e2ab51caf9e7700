"""Holds outcomes until they are written to the database, and then until they are counted and reported."""

import time
from collections.abc import Iterable, Sequence

from notifications.protocol.database_errors import is_not_now
from notifications.relay.connection import Connection
from notifications.relay.messages import Settlement
from notifications.relay.outcome_checks import bare
from notifications.relay.settle import Claiming, Next, Settled, report_settled, settle
from notifications.relay.spending import Spending
from notifications.relay.tally import Tally
from notifications.telemetry import emit

UNSTORABLE_SECONDS = 60.0  # the delay of a message that cannot be settled as it is


class Settler:
    """Used by the relay's thread alone.

    Writing and reporting are apart: reporting takes a tenth as long as the statements, and is done while the database
    works on the next claim.
    """

    def __init__(self, tally: Tally, spending: Spending | None = None) -> None:
        self._tally = tally
        self._spending = spending
        self.unsettled: list[Settlement] = []
        self._unreported: list[tuple[Settlement, float]] = []

    def add(self, settlements: Iterable[Settlement]) -> None:
        self.unsettled += settlements

    def settle(self, connection: Connection, *, relay_id: int, claiming: Claiming | None = None) -> Next:
        """Write what is unsettled, in one transaction, and return what it claimed. What has to wait for a locked
        recipient stays unsettled. What an earlier call wrote is reported while the database works.

        If something in the batch cannot be written, the rest of it still is, and nothing is claimed.
        """
        batch = self.unsettled
        try:
            settled = settle(
                connection,
                batch,
                relay_id=relay_id,
                now=time.monotonic(),
                claiming=claiming,
                meanwhile=self.report,
            )
        except Exception as error:
            if is_not_now(error):
                raise
            emit("settle.divided", messages=len(batch), error=type(error).__name__)
            settled = _settle_singly(connection, batch, relay_id=relay_id)
        self.unsettled = settled.waiting
        self._unreported += settled.written
        return settled.next

    @property
    def has_reports(self) -> bool:
        return bool(self._unreported)

    def report(self) -> None:
        """Count and report what was written since the last call."""
        written, self._unreported = self._unreported, []
        report_settled(written, self._tally)
        if self._spending:
            self._spending.settled(settlement for settlement, _ in written)


def _settle_singly(connection: Connection, batch: Sequence[Settlement], *, relay_id: int) -> Settled:
    """Each in a transaction of its own; one that cannot be written is written without its outcome's words."""
    settled = Settled([], [], Next([], is_left=True))
    for settlement in batch:
        try:
            one = settle(connection, [settlement], relay_id=relay_id, now=time.monotonic())
        except Exception as error:
            if is_not_now(error):
                raise
            plain = settlement._replace(
                outcome=settlement.outcome and bare(settlement.outcome), delay=UNSTORABLE_SECONDS
            )
            one = settle(connection, [plain], relay_id=relay_id, now=time.monotonic())
        settled.waiting.extend(one.waiting)
        settled.written.extend(one.written)
    return settled
