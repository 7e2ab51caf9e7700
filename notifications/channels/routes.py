"""Builds the routes of channels from OUTBOX_ROUTES: several providers for one channel.

    OUTBOX_ROUTES = {
        "sms": {
            "twilio": {"share": 80, "price": {"IN": "0.0420", "*": "0.0079"}, "currency": "USD"},
            "vonage": {"class": "project.vonage.SmsChannel", "share": 20, "countries": ["US", "CA"], "rate": 30},
        }
    }

`class` is the channel's class in OUTBOX_CHANNELS unless it is given. `settings` take the place of the project's
settings for this route alone: a second account of the same provider, or another sender.

A channel that is not named there, or with a single route without a price, has the one route that OUTBOX_CHANNELS gives
it. A single route with a price is a route, so that what it costs is known.
"""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from math import inf, isfinite
from typing import Any

import phonenumbers
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from notifications import channels, conf
from notifications.channels.base import Channel
from notifications.channels.memory import is_test_run
from notifications.policy.routes import Route, RouteTimes, key_of
from notifications.policy.spending import EVERYWHERE

CURRENCY = re.compile("[A-Z]{3}")
MOST_KEY = 32  # characters that a row of channel states holds
FIELDS = frozenset({"class", "settings", "countries", "share", "price", "currency", "rate"})


class _Overlaid:
    """The project's settings, with those of a route in front."""

    def __init__(self, own: Mapping[str, Any]) -> None:
        self._own = own

    def __getattr__(self, name: str) -> Any:
        return self._own[name] if name in self._own else getattr(settings, name)


def route_times() -> RouteTimes:
    """OUTBOX_ROUTE_PATIENCE_SECONDS, OUTBOX_ROUTE_SLOW_SECONDS and OUTBOX_ROUTE_RETURN_SECONDS."""
    return RouteTimes(
        patience=float(conf.setting("OUTBOX_ROUTE_PATIENCE_SECONDS")),
        slow=float(conf.setting("OUTBOX_ROUTE_SLOW_SECONDS")),
        returns=float(conf.setting("OUTBOX_ROUTE_RETURN_SECONDS")),
    )


def routes_of(channel: str) -> list[Route]:
    """The routes of `channel`, if it has several, or one with a price; otherwise none.

    Raises ImproperlyConfigured for a wrong entry.
    """
    return [_route(channel, name, entry) for name, entry in _entries(channel).items()]


def routed() -> dict[str, list[Route]]:
    """The routes of all channels that have several, by channel. Raises ImproperlyConfigured for a wrong entry."""
    return {name: found for name in channels.channel_names() if (found := routes_of(name))}


def route_keys(channel: str) -> list[str]:
    """The keys of a channel's routes: its own name, where it has one route."""
    return [key_of(channel, name) for name in _entries(channel)] or [channel]


def route_problems() -> list[str]:
    """What is wrong with OUTBOX_ROUTES, whatever its classes are."""
    given: object = conf.setting("OUTBOX_ROUTES")
    if not isinstance(given, Mapping):
        return [f"OUTBOX_ROUTES must be a dict of routes by channel, not {type(given).__name__}."]
    problems: list[str] = []
    for channel, entries in given.items():
        if not isinstance(entries, Mapping) or not entries:
            problems.append(f"OUTBOX_ROUTES[{channel!r}] must be a dict of routes by name, not {entries!r:.60}.")
        else:
            problems += _channel_problems(channel, entries)
    return problems


def build_routes(names: Collection[str] | None = None, *, as_configured: bool = False) -> dict[str, Channel]:
    """What sends over each route of the channels called `names`, or of all, by the route's key; close them after use.

    As `build_channels` does, for channels with one route, whose key is the channel's name. `as_configured`: in a test
    run too.
    """
    chosen = channels.chosen(names)
    is_memory = is_test_run() and not (conf.sends_in_tests() or as_configured)
    single = [name for name in chosen if not _entries(name)]
    built = channels.memory_channels(single) if is_memory else channels.configured_channels(single)
    for channel in chosen:
        for name, entry in _entries(channel).items():
            key = key_of(channel, name)
            built[key] = channels.memory_channels([channel])[channel] if is_memory else _built(channel, entry)
    return built


def _entries(channel: str) -> Mapping[str, Mapping[str, Any]]:
    """The entries of a channel's routes, or nothing if it has one without a price: that is named after the channel."""
    entries = conf.setting("OUTBOX_ROUTES").get(channel) or {}
    is_priced = any(isinstance(entry, Mapping) and entry.get("price") is not None for entry in entries.values())
    return entries if len(entries) > 1 or is_priced else {}


def _built(channel: str, entry: Mapping[str, Any]) -> Channel:
    path = entry.get("class") or channels.channel_paths()[channel]
    sender = channels.built(channel, channels.load(channel, path), from_=_Overlaid(entry.get("settings") or {}))
    needs = channels.needs_of(channel)
    if needs and sender.address_field != needs.address_field:
        raise ImproperlyConfigured(
            f"OUTBOX_ROUTES[{channel!r}]: {path} sends to a {sender.address_field}, the channel to a "
            f"{needs.address_field}. All routes of a channel must take the same address."
        )
    return sender


def _route(channel: str, name: str, entry: Mapping[str, Any]) -> Route:
    for problem in _route_problems(channel, name, entry):
        raise ImproperlyConfigured(problem)
    share, rate = entry.get("share"), entry.get("rate")
    return Route(
        channel,
        name,
        countries=frozenset(entry.get("countries") or ()),
        share=None if share is None else float(share),
        prices=_prices(entry.get("price")),
        currency=str(entry.get("currency") or ""),
        rate=float(rate) if rate else inf,
    )


def _prices(price: Any) -> dict[str, Decimal]:
    by_country = price if isinstance(price, Mapping) else {} if price is None else {EVERYWHERE: price}
    return {country: Decimal(str(each)) for country, each in by_country.items()}


def _channel_problems(channel: str, entries: Mapping[str, Any]) -> list[str]:
    """What is wrong with a channel's routes, each and together."""
    problems = [problem for name, entry in entries.items() for problem in _route_problems(channel, name, entry)]
    if problems:
        return problems
    where = f"OUTBOX_ROUTES[{channel!r}]"
    shares = [entry.get("share") for entry in entries.values()]
    if None in shares and any(share is not None for share in shares):
        problems.append(f"{where}: give every route a share, or none. Without shares, price or order decides.")
    if None not in shares and not any(shares):
        problems.append(f"{where}: every share is 0, so that no route is used.")
    currencies = {str(entry.get("currency")) for entry in entries.values() if entry.get("price") is not None}
    if len(currencies) > 1:
        problems.append(
            f"{where}: prices must be in one currency to be compared, not in {', '.join(sorted(currencies))}."
        )
    return problems


def _route_problems(channel: str, name: object, entry: object) -> list[str]:
    where = f"OUTBOX_ROUTES[{channel!r}][{name!r}]"
    if not isinstance(name, str) or not channels.NAME.fullmatch(name):
        return [f"{where}: a route's name has letters, digits, _ or -."]
    if len(key_of(channel, name)) > MOST_KEY:
        return [f"{where}: its name is too long. It has at most {MOST_KEY} characters with the channel's and a colon."]
    if not isinstance(entry, Mapping):
        return [f"{where} must be a dict, not {type(entry).__name__}."]
    unknown = sorted(map(str, entry.keys() - FIELDS))
    if unknown:
        return [f"{where} has {', '.join(unknown)}; a route has {', '.join(sorted(FIELDS))}."]
    wrong = [*_number_problems(entry), *_country_problems(entry), *_price_problems(entry)]
    if not isinstance(entry.get("class", ""), str):
        wrong.append("class must be the dotted path of a channel's class")
    if not isinstance(entry.get("settings", {}), Mapping):
        wrong.append("settings must be a dict of settings by name")
    return [f"{where}: {each}." for each in wrong]


def _number_problems(entry: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} must be a number of at least 0, not {value!r:.60}"
        for name in ("share", "rate")
        if (value := entry.get(name)) is not None and not (_is_number(value) and isfinite(value) and value >= 0)
    ]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _country_problems(entry: Mapping[str, Any]) -> list[str]:
    given = entry.get("countries") or ()
    if isinstance(given, str) or not isinstance(given, Collection):
        return [f"countries must be a list of countries, not {given!r:.60}"]
    unknown = [each for each in given if each not in phonenumbers.SUPPORTED_REGIONS]
    return [f"countries has {each!r}, which is not a country of ISO 3166-1 (two letters)" for each in unknown]


def _price_problems(entry: Mapping[str, Any]) -> list[str]:
    price = entry.get("price")
    if price is None:
        return []
    try:
        prices = _prices(price)
    except InvalidOperation:
        return [f"price must be an amount, or amounts by country, not {price!r:.60}"]
    wrong = [f"price has {each!r}, which is not a country" for each in prices if not _is_country(each)]
    if any(not each.is_finite() or each < 0 for each in prices.values()):
        wrong.append(f"price must be at least 0, not {price!r:.60}")
    if not CURRENCY.fullmatch(str(entry.get("currency") or "")):
        wrong.append("currency must be the price's, three capitals of ISO 4217")
    return wrong


def _is_country(name: object) -> bool:
    return name == EVERYWHERE or name in phonenumbers.SUPPORTED_REGIONS
