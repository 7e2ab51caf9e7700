"""Chooses a route for each claimed message of a channel that has several, and writes it down before the send.

Countries come first, then which routes are open, as the gate knows it, then shares or prices (`policy.routes`). A route
that is full keeps its share, for shares are what somebody agreed on; one that hangs does not.

A message whose answer was lost on one route moves to another once that provider has been asked, and said no. One that
cannot be asked keeps the message until the patience ends (G6). Where no channel has several routes, nothing happens.
"""

import random as _random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from math import inf

from notifications.channels.base import Channel
from notifications.lifecycle import Status
from notifications.policy.phone_numbers import country_by_prefix
from notifications.policy.routes import (
    Route,
    RouteTimes,
    Tried,
    are_told_apart,
    choose,
    draw,
    key_of,
    share_returned,
    weights,
)
from notifications.protocol import sql_routes as sql
from notifications.protocol.arrays import numbers, texts
from notifications.relay.connection import Connection
from notifications.relay.messages import Claimed, Clock, RouteHistory, Settlement
from notifications.relay.route_states import RouteStates

FIRST_WAIT, LAST_WAIT = 5.0, 15.0  # seconds until a message that no open route may take is looked at again
SHORTEST_WAIT = 0.05
FRESH = RouteHistory()
Routes = Mapping[str, Sequence[Route]]


class Router:
    """Used by the relay's thread; `has_another` by the sending threads. `senders`, by the routes' keys.

    `asks`: whether providers are asked about lost answers. `is_stalled` says that a route is full and that none of its
    sends has ended for a while; `is_hanging`, that it may be so: other routes are then used, where there are any.
    """

    def __init__(
        self,
        routes: Routes,
        *,
        gate: RouteStates,
        senders: Mapping[str, Channel],
        times: RouteTimes,
        asks: bool = True,
        is_stalled: Callable[[str], bool],
        is_hanging: Callable[[str], bool] = lambda _: False,
        random: Callable[[], float] = _random.random,
        clock: Clock = time.monotonic,
    ) -> None:
        self._routes = {channel: list(several) for channel, several in routes.items() if are_told_apart(several)}
        self._channel_of = {route.key: route.channel for several in self._routes.values() for route in several}
        self._to_phones = {
            route.channel
            for routes in self._routes.values()
            for route in routes
            if senders[route.key].address_field == "phone"
        }
        self._gate = gate
        self._senders = senders
        self._times = times
        self._asks = asks
        self._is_stalled = is_stalled
        self._is_hanging = is_hanging
        self._random = random
        self._clock = clock

    def channel_of(self, key: str) -> str:
        """The channel of the route called `key`; of a channel with one route, that is its own name."""
        return self._channel_of.get(key, key)

    def channels_of(self, keys: Collection[str]) -> list[str]:
        """The channels of these routes, each once."""
        return list(dict.fromkeys(map(self.channel_of, keys))) if self._routes else list(keys)

    def limits(self, grants: Mapping[str, int]) -> dict[str, int]:
        """How many messages each channel may claim, if its routes may send as many as `grants` says, by their keys."""
        if not self._routes:
            return dict(grants)
        limits = {key: room for key, room in grants.items() if key not in self._channel_of}
        for channel, routes in self._routes.items():
            if (limit := self._limit(channel, routes, grants)) > 0:
                limits[channel] = limit
        return limits

    def assign(
        self, connection: Connection, claimed: list[Claimed], grants: Mapping[str, int] | None = None
    ) -> tuple[list[Claimed], list[Settlement]]:
        """Give each message its route, and write it down. What no open route may take comes back settled, to wait.

        `grants`, by key, bounds what limited routes and the test of a broken one get; None: only free ones are used.
        """
        mine = [message for message in claimed if message.channel in self._routes] if self._routes else []
        if not mine:
            return claimed, []
        histories = self._histories(connection, [message for message in mine if message.claim_number > 1])
        left = {key: most for key, most in (grants or {}).items() if key in self._channel_of}
        others = [message for message in claimed if message.channel not in self._routes]
        assigned: list[Claimed] = []
        waiting: list[Settlement] = []
        for each in mine:
            message = each._replace(history=histories.get(each.id, FRESH))
            route = self._choose(message, left)
            if isinstance(route, Route):
                left[route.key] = left.get(route.key, 0) - 1
                charge = route.charge_to(self._country(message))
                assigned.append(message._replace(route=route.name, charge=charge))
            else:
                waiting.append(route)
        if assigned:
            connection.execute(
                sql.ASSIGN,
                {
                    "ids": numbers([message.id for message in assigned]),
                    "claim_numbers": numbers([message.claim_number for message in assigned]),
                    "routes": texts([message.route for message in assigned]),
                    "prices": numbers([message.charge and message.charge.amount for message in assigned]),
                    "currencies": texts([message.charge and message.charge.currency for message in assigned]),
                },
            )
        return [*others, *assigned], waiting

    def has_another(self, message: Claimed, tried: Tried) -> bool:
        """Whether an open route is left for `message`, besides those that were tried."""
        return any(
            route.name not in tried.now and self._gate.is_open(route.key)
            for route in self._serving(message)
            if route.name != message.route
        )

    def refuse_all(self, message: Claimed, tried: Tried) -> bool:
        """Whether every route that serves the message's country has refused it for good."""
        return all(route.name in tried.never for route in self._serving(message))

    def bound_for(self, message: Claimed) -> float | None:
        """For how many more seconds the message stays with the providers whose answer was lost; None: not bound."""
        history = message.history or FRESH
        if all(self.can_ask(message.channel, name) for name in history.unknown):
            return None
        seconds = self._times.patience - history.unknown_for - (self._clock() - history.read_at)
        return max(seconds, SHORTEST_WAIT) if seconds > 0 else None

    def can_ask(self, channel: str, route: str) -> bool:
        """Whether the provider of a route can be asked about a message whose answer was lost."""
        sender = self._senders.get(key_of(channel, route))
        return self._asks and sender is not None and sender.can_be_asked

    def _limit(self, channel: str, routes: Sequence[Route], grants: Mapping[str, int]) -> int:
        free = [route for route in routes if self._gate.is_free(route.key) and not self._is_stalled(route.key)]
        bounded = sum(grants.get(route.key, 0) for route in routes if not self._gate.is_free(route.key))
        if not free:
            return bounded
        moved = self._moved(channel, self._prompt(free))
        parts = weights(moved, returned=self._returned(moved))
        rooms = [grants.get(route.key, 0) for route in moved]
        fits = min((int(room / part) for room, part in zip(rooms, parts, strict=True) if part > 0), default=0)
        return min(fits, sum(grants.get(route.key, 0) for route in free)) + bounded

    def _serving(self, message: Claimed) -> list[Route]:
        country = self._country(message)
        return [route for route in self._routes[message.channel] if route.serves(country)]

    def _choose(self, message: Claimed, left: Mapping[str, int]) -> Route | Settlement:
        serving, history = self._serving(message), message.history or FRESH
        if not serving:
            return Settlement(message, Status.FAILED, message.attempts, code="no_route")
        if (bound_for := self.bound_for(message)) is not None:
            serving = [route for route in serving if route.name in history.unknown]
        candidates = [route for route in serving if self._may_take(route.key, left)]
        if not candidates:
            seconds = self._wait(serving)
            return Settlement(message, Status.PENDING, message.attempts, min(seconds, bound_for or inf))
        candidates = self._prompt(history.tried.left(candidates))
        if message.claim_number == 1:
            for route in candidates:
                if self._gate.is_probe(route.key):
                    return route
        unasked = [route for route in candidates if route.name not in history.unknown] or candidates
        offered = self._moved(message.channel, unasked)
        country = self._country(message)
        return choose(offered, country=country, returned=self._returned(offered), drawn=draw(message.id))

    def _may_take(self, key: str, left: Mapping[str, int]) -> bool:
        if self._gate.is_free(key):
            return not self._is_stalled(key)
        return left.get(key, 0) > 0

    def _prompt(self, routes: list[Route]) -> list[Route]:
        """Those of `routes` whose provider is known to answer, if there are any."""
        return [route for route in routes if not self._is_hanging(route.key)] or routes

    def _wait(self, routes: Sequence[Route]) -> float:
        """Seconds until one of `routes` may take a message, as far as anybody knows."""
        known = self._gate.seconds_to_change({route.key: 0 for route in routes})
        return min(max(known, SHORTEST_WAIT), FIRST_WAIT + (LAST_WAIT - FIRST_WAIT) * self._random())

    def _moved(self, channel: str, routes: list[Route]) -> list[Route]:
        """The one of `routes` to which staff moved everything, if it is among them; else all."""
        name = self._gate.moved_to(channel)
        return [route for route in routes if route.name == name] or routes if name else routes

    def _returned(self, routes: Sequence[Route]) -> dict[str, float]:
        within = self._times.returns
        return {
            route.key: share_returned(seconds, within=within)
            for route in routes
            if (seconds := self._gate.recovered_for(route.key)) < within
        }

    def _histories(self, connection: Connection, retried: Sequence[Claimed]) -> dict[int, RouteHistory]:
        if not retried:
            return {}
        rows = connection.execute(sql.HISTORY, {"ids": [message.id for message in retried]}).fetchall()
        now, first = self._clock(), {message.id: self._routes[message.channel][0].name for message in retried}
        return {
            message_id: RouteHistory(
                Tried.read(tried),
                # An attempt without a route was made when the channel had only one: the first is taken to be that.
                tuple(name or first[message_id] for name in unknown),
                unknown_for,
                proven,
                now,
            )
            for message_id, tried, unknown, unknown_for, proven in rows
        }

    def _country(self, message: Claimed) -> str:
        """The country that the message goes to; empty where none counts, as with email."""
        is_to_phone = message.channel in self._to_phones and message.phone.startswith("+")
        return country_by_prefix(message.phone) if is_to_phone else ""
