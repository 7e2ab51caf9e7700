"""The routes of channels that have several: their states, shares, and what became of what went over them."""

from dataclasses import replace
from datetime import datetime, timedelta

from notifications.board import queries
from notifications.board.figures import ChannelFigures
from notifications.board.route_figures import TAKING, Delivered, RoutedChannel, RouteFigures
from notifications.board.standing import OPEN, Standing, by, standing
from notifications.channels.routes import route_times, routed
from notifications.models import ChannelState
from notifications.policy.routes import Route, key_of, share_returned, weights
from notifications.protocol.run_sql import fetch_all


def routed_channels(now: datetime, using: str) -> list[RoutedChannel]:
    """The channels with several routes; without any, this costs no statement."""
    channels = routed()
    if not channels:
        return []
    keys = [route.key for routes in channels.values() for route in routes]
    states = {state.name: state for state in ChannelState.objects.using(using).filter(name__in=[*channels, *keys])}
    delivered = _delivered(channels, using)
    return [_channel(name, routes, states, delivered, now) for name, routes in channels.items()]


def with_routes(channel: ChannelFigures, routed: list[RoutedChannel]) -> ChannelFigures:
    """A channel's figures, if none of its routes takes anything: then they are why its messages wait."""
    routes = [route for each in routed if each.name == channel.name for route in each.routes]
    if not routes or channel.state == "paused":
        return channel
    if any(route.is_taking for route in routes):  # a channel's own outage is from when it had one route
        return replace(channel, state="open", since=None, why="", probe_at=None)
    worst = next((route for route in routes if route.is_out), routes[0])
    why = "; ".join(f"{route.name}: {route.why}" for route in routes)
    return replace(
        channel, state=worst.state, since=worst.since, why=why, probe_at=worst.probe_at, last_error=worst.last_error
    )


def _channel(
    name: str,
    routes: list[Route],
    states: dict[str, ChannelState],
    delivered: dict[str, Delivered],
    now: datetime,
) -> RoutedChannel:
    own, within = states.get(name), route_times().returns
    moved_to = own.moved_to if own else ""
    known = {route.key: states.get(route.key) for route in routes}
    rises = "its share returns step by step"
    stands = {
        key: standing(state, now, recovering=timedelta(seconds=within), rises=rises) if state else OPEN
        for key, state in known.items()
    }
    returned = {
        key: share_returned((now - state.recovered_at).total_seconds(), within=within)
        for key, state in known.items()
        if state and state.recovered_at
    }
    shares = dict(zip(known, weights(routes), strict=True))
    taking = [] if own and own.paused_at else [route for route in routes if stands[route.key][0] in TAKING]
    taking = [route for route in taking if route.name == moved_to] or taking
    parts = weights(taking, returned=returned) if taking else []
    shares_now = dict(zip((route.key for route in taking), parts, strict=True))
    figures = [
        _figures(
            known[route.key],
            route,
            stands[route.key],
            shares=(shares[route.key], shares_now.get(route.key, 0.0)),
            last_hour=delivered.get(route.key, Delivered()),
        )
        for route in routes
    ]
    return RoutedChannel(name, figures, moved_to, by(own.moved_by, own.move_reason) if own and moved_to else "")


def _figures(
    row: ChannelState | None, route: Route, stands: Standing, *, shares: tuple[float, float], last_hour: Delivered
) -> RouteFigures:
    """`shares`: while all are well, and as things are."""
    state, since, why = stands
    share, share_now = shares
    return RouteFigures(
        key=route.key,
        name=route.name,
        state=state,
        since=since,
        why=why,
        probe_at=row.probe_at if row and state in ("broken", "refused") else None,
        last_error=row.last_error if row else "",
        share=100 * share,
        share_now=100 * share_now,
        last_hour=last_hour,
    )


def _delivered(channels: dict[str, list[Route]], using: str) -> dict[str, Delivered]:
    names = sorted({route.name for routes in channels.values() for route in routes})
    rows = fetch_all(queries.DELIVERED, {"routes": names}, using=using)
    return {key_of(channel, route): Delivered(*counts) for channel, route, *counts in rows}
