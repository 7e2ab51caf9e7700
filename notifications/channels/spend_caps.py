"""Reads the caps of money from OUTBOX_SPEND_CAPS and OUTBOX_SPEND_CURRENCY, and says what is wrong with them."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation

import phonenumbers

from notifications import channels, conf
from notifications.channels.routes import route_problems, routed
from notifications.policy.spending import EVERYWHERE, SpendCaps


def spend_caps() -> SpendCaps:
    """The caps as configured. Raises ArithmeticError for an amount that is none: `spend_cap_problems` says which."""
    given: Mapping[str, object] = conf.setting("OUTBOX_SPEND_CAPS")
    return SpendCaps(
        {country: Decimal(str(amount)) for country, amount in given.items()}, str(conf.setting("OUTBOX_SPEND_CURRENCY"))
    )


def spend_cap_problems() -> list[str]:
    """What is wrong with the caps, and with the prices that they need."""
    given: object = conf.setting("OUTBOX_SPEND_CAPS")
    if not isinstance(given, Mapping):
        return [f"OUTBOX_SPEND_CAPS must be a dict of amounts by country, not {type(given).__name__}."]
    problems = [problem for country, amount in given.items() for problem in _entry_problems(country, amount)]
    if problems or not given:
        return problems
    currency = conf.setting("OUTBOX_SPEND_CURRENCY")
    if not currency:
        return ["OUTBOX_SPEND_CURRENCY must be the currency of OUTBOX_SPEND_CAPS, for example EUR."]
    return [] if route_problems() else list(_price_problems(currency))


def _entry_problems(country: object, amount: object) -> Iterator[str]:
    where = f"OUTBOX_SPEND_CAPS[{country!r}]"
    if country != EVERYWHERE and country not in phonenumbers.SUPPORTED_REGIONS:
        yield f"{where} names no country: two letters, for example DE, or * for all others."
    try:
        is_amount = not isinstance(amount, bool) and Decimal(str(amount)).is_finite() and Decimal(str(amount)) > 0
    except InvalidOperation:
        is_amount = False
    if not is_amount:
        yield f"{where} must be an amount above 0, not {amount!r:.60}."


def _price_problems(currency: str) -> Iterator[str]:
    """A message without a price takes nothing from a cap, and one in another currency cannot."""
    several = routed()
    for channel in channels.channel_names():
        needs = channels.needs_of(channel)
        if needs is None or needs.address_field != "phone":
            continue
        for route in several.get(channel, []):
            if route.prices and route.currency != currency:
                yield f"OUTBOX_SPEND_CAPS are in {currency}, and the price of {route.key} is in {route.currency}."
        if not any(route.prices for route in several.get(channel, [])):
            yield (
                f"OUTBOX_SPEND_CAPS cannot hold for {channel}: no route of it has a price (OUTBOX_ROUTES). A single "
                "route may have one, too."
            )
