"""The board's figures of channels that have several routes."""

from dataclasses import dataclass
from datetime import datetime

TAKING = ("open", "recovering")  # the states in which a route takes messages


@dataclass(frozen=True, slots=True)
class Delivered:
    """Of the latest messages that a route's provider accepted in the last hour: about how many it has reported an end,
    how many of these arrived, and the median `seconds` from acceptance to delivery.
    """

    accepted: int = 0
    reported: int = 0
    arrived: int = 0
    seconds: float | None = None

    @property
    def percent(self) -> float | None:
        """Of those with a reported end, how many arrived."""
        return 100 * self.arrived / self.reported if self.reported else None


@dataclass(frozen=True, slots=True)
class RouteFigures:
    """One route. `share` is what it gets of the messages that every route may take, in percent, while all are well;
    `share_now` what it gets as things are.
    """

    key: str
    name: str
    state: str
    since: datetime | None
    why: str
    probe_at: datetime | None
    last_error: str
    share: float
    share_now: float
    last_hour: Delivered

    @property
    def is_out(self) -> bool:
        """Whether nothing but probes goes to its provider."""
        return self.state in ("broken", "refused")

    @property
    def is_taking(self) -> bool:
        """Whether it takes messages."""
        return self.state in TAKING


@dataclass(frozen=True, slots=True)
class RoutedChannel:
    """A channel with several routes. `moved_to` names the one that staff moved everything to, if they did."""

    name: str
    routes: list[RouteFigures]
    moved_to: str
    moved: str  # by whom, and why

    @property
    def takers(self) -> list[str]:
        """The routes that take messages now."""
        return [route.name for route in self.routes if route.is_taking and route.share_now > 0]

    @property
    def taken_over(self) -> str:
        """Who takes over for a route that takes nothing."""
        return f"{' and '.join(self.takers)} {'takes' if len(self.takers) == 1 else 'take'} over"
