"""The deadline of a send, for channels: `notifications.transport.deadline`, with failures as outcomes.

Whether a failed send was "certainly not sent" or is "unknown" depends on whether it had begun (G6).
"""

from contextlib import AbstractContextManager

from notifications.lifecycle import Transient, Unknown
from notifications.transport import deadline as transport
from notifications.transport.deadline import CONNECT_SECONDS, DeadlinePassed, connect, current, watched

__all__ = ["CONNECT_SECONDS", "Deadline", "DeadlinePassed", "Transmission", "connect", "current", "watched"]


class Transmission(transport.Transmission):
    """One send under way: its sockets, and whether any of it may have reached the provider."""

    def failure(self, error: BaseException) -> Transient | Unknown:
        """The outcome of a send that failed with `error`: certainly not sent, or unknown."""
        failure = self.diagnose(error)
        return (Unknown if failure.has_begun else Transient)(failure.code, failure.detail)


class Deadline(transport.Deadline):
    """The moment, on the monotonic clock, by which a send must have ended."""

    def enforced(self) -> AbstractContextManager[Transmission]:
        """Run one send on this thread. What it watches is shut down at the deadline, and left alone afterwards."""
        return transport.enforce(Transmission(self))
