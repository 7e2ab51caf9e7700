"""Routes: the ways over which a channel's messages can go, each a provider of its own, and the choice between them.

The choice goes by countries first, then by which routes are open, then by shares or, without shares, by price or order.
Pure Python, no Django: what is open now, and how much of its share a route has back, is passed in.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import inf

from notifications.policy.spending import EVERYWHERE, Charge

GOLDEN, WHOLE = 0x9E3779B97F4A7C15, 1 << 64  # the golden ratio's fraction of 2^64: its multiples spread most evenly
REFUSES = "!"  # behind the name of a route that was tried: it refused this message, and no retry can help there

RETURN_STEPS = 10  # in which the share of a route that was out of service comes back


@dataclass(frozen=True, slots=True)
class Route:
    """A provider among several of one channel.

    `countries`: ISO 3166-1 alpha-2, none: all. `share`: its weight among the open routes; None: the channel's routes
    have none. `prices`: by country, of one message in units of `currency` (ISO 4217). `rate`: messages a second over
    all relays. `key` names it among the routes of all channels.
    """

    channel: str
    name: str
    countries: frozenset[str] = frozenset()
    share: float | None = None
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    currency: str = ""
    rate: float = inf
    key: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", key_of(self.channel, self.name))

    def serves(self, country: str) -> bool:
        """Whether messages to `country` may go over it; an address of no country, as an email's, may."""
        return not self.countries or not country or country in self.countries

    def charge_to(self, country: str) -> Charge | None:
        """What one message to `country` costs, with the country it counts for; None: nobody said."""
        price = self.price_to(country)
        return None if price is None else Charge(price, self.currency, country)

    def price_to(self, country: str) -> Decimal | None:
        """What one message to `country` costs; None: nobody said."""
        price = self.prices.get(country)
        return self.prices.get(EVERYWHERE) if price is None else price


@dataclass(frozen=True, slots=True)
class RouteTimes:
    """In seconds: `patience` with a provider that does not say whether it has a message, before another route is used;
    how long a send may take before its provider counts as `slow`; within which a route's share `returns`.
    """

    patience: float = 30.0
    slow: float = 5.0
    returns: float = 300.0


def are_told_apart(routes: Sequence[Route]) -> bool:
    """Whether a channel with these routes has states, figures and costs for each: with several, or one with a price."""
    return len(routes) > 1 or any(route.prices for route in routes)


def key_of(channel: str, route: str) -> str:
    """The name of a route's state among all: `sms:vonage`. A channel's only route has no name but the channel's."""
    return f"{channel}:{route}" if route else channel


def channel_of(key: str) -> str:
    """The channel of the route called `key`."""
    return key.partition(":")[0]


def draw(message_id: int) -> float:
    """A number in [0, 1) for a message: the same at each try, and evenly spread over messages that follow each other.

    A random number would honour shares as well, only later: after n messages it is off by about 1/√n, this by 1/n
    (H. Weyl, "Über die Gleichverteilung von Zahlen mod. Eins", 1916).
    """
    return (message_id * GOLDEN % WHOLE >> 11) / (WHOLE >> 11)  # as many bits as a float has


def weights(routes: Sequence[Route], *, country: str = "", returned: Mapping[str, float] | None = None) -> list[float]:
    """The part of the messages that each of `routes` gets, all open and serving `country`; they add up to 1.

    `returned`, by key: how much of its share a route has back after an outage, from 0 to 1; otherwise all of it.
    Without shares the cheapest route gets everything; with no price for `country` among them, the first.
    """
    back = returned or {}
    if all(route.share is not None for route in routes):
        parts = [(route.share or 0.0) * back.get(route.key, 1.0) for route in routes]
    else:
        parts, left = [0.0] * len(routes), 1.0
        for place in _cheapest_first(routes, country):
            parts[place] = left * back.get(routes[place].key, 1.0)
            left -= parts[place]
    total = sum(parts)
    if total <= 0:  # only routes without a share are open: any is better than none
        return [1.0 / len(routes)] * len(routes)
    return [part / total for part in parts]


def _cheapest_first(routes: Sequence[Route], country: str) -> list[int]:
    places = range(len(routes))
    prices = [route.price_to(country) for route in routes]
    if None in prices:
        return list(places)
    return sorted(places, key=lambda place: (prices[place], place))


def choose(
    routes: Sequence[Route], *, country: str = "", returned: Mapping[str, float] | None = None, drawn: float
) -> Route:
    """One of `routes`, none of them out of question; `drawn` is in [0, 1)."""
    if len(routes) == 1:
        return routes[0]
    reached = 0.0
    parts = weights(routes, country=country, returned=returned)
    for route, part in zip(routes, parts, strict=True):
        reached += part
        if drawn < reached:
            return route
    return max(zip(parts, routes, strict=True), key=lambda each: each[0])[1]  # the parts' sum was rounded below 1


def share_returned(recovered_for: float, *, within: float) -> float:
    """How much of its share a route has back, `recovered_for` seconds after an outage, all of it after `within`.

    In steps, because a provider that has just come back often fails again: each step is a trial of the next.
    """
    if recovered_for >= within:
        return 1.0
    return (1 + int(recovered_for / within * RETURN_STEPS)) / RETURN_STEPS


@dataclass(frozen=True, slots=True)
class Tried:
    """The routes that a message was refused on: `now`, since its last wait, and `never`, where no retry can help."""

    now: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()

    @classmethod
    def read(cls, text: str) -> "Tried":
        """From its form in the database: `twilio,vonage!`."""
        names = text.split(",") if text else []
        never = frozenset(name.removesuffix(REFUSES) for name in names if name.endswith(REFUSES))
        return cls(frozenset(name.removesuffix(REFUSES) for name in names), never)

    def __str__(self) -> str:
        return ",".join(f"{name}{REFUSES if name in self.never else ''}" for name in sorted(self.now | self.never))

    def and_on(self, name: str, *, for_good: bool) -> "Tried":
        """What is tried after a refusal on the route `name`."""
        return Tried(self.now | {name}, self.never | {name} if for_good else self.never)

    def anew(self) -> "Tried":
        """What is left of it for the next turn, after a wait."""
        return Tried(self.never, self.never)

    def left(self, routes: Collection[Route]) -> list[Route]:
        """Those of `routes` that are left in this turn; if none is, those that may be tried in the next."""
        untried = [route for route in routes if route.name not in self.now]
        return untried or [route for route in routes if route.name not in self.never] or list(routes)
