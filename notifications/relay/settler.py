"""Holds what was sent and is not yet written down, and what was written and is not yet counted and reported."""

import time
from collections.abc import Iterable

from notifications.relay.connection import Connection
from notifications.relay.messages import Settlement
from notifications.relay.settle import report_settled, settle
from notifications.relay.tally import Tally


class Settler:
    """Used by the relay's thread alone.

    Writing and reporting are apart: reporting takes a tenth as long as the statements, and is done while the database
    works on the next claim.
    """

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self.unsettled: list[Settlement] = []
        self._unreported: list[tuple[Settlement, float]] = []

    def add(self, settlements: Iterable[Settlement]) -> None:
        self.unsettled += settlements

    def settle(self, connection: Connection, *, relay_id: int) -> None:
        """Write what is unsettled, in one transaction. What has to wait for a locked recipient stays unsettled."""
        batch = self.unsettled
        self.unsettled, written = settle(connection, batch, relay_id=relay_id, now=time.monotonic())
        self._unreported += written

    @property
    def has_reports(self) -> bool:
        return bool(self._unreported)

    def report(self) -> None:
        """Count and report what was written since the last call."""
        written, self._unreported = self._unreported, []
        report_settled(written, self._tally)
