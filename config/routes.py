"""Reads the routes of a channel from the environment: `SMS_ROUTES="twilio?share=80,backup=twilio?share=20"`.

Routes are separated by commas. Each is a provider, with a name of its own before it where one provider has several, and
its fields behind a question mark: share, countries, price and currency, rate (docs/routes.md). Settings of a route
alone are variables after its name: ROUTE_BACKUP_TWILIO_ACCOUNT_SID.
"""

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from config.environment import env, refuse

NUMBERS = ("share", "rate")
FIELDS = (*NUMBERS, "countries", "price", "currency")


class Misread(ValueError):
    """The variable cannot be read; its words say why, and end without a stop."""


def parse(text: str, *, classes: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The routes in `text`, as OUTBOX_ROUTES has them. `classes`: the dotted path of each provider's class.

    Raises Misread.
    """
    found: dict[str, dict[str, Any]] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        named, _, query = entry.partition("?")
        name, _, provider = named.rpartition("=")
        if provider not in classes:
            raise Misread(f"{provider or entry!r} is no provider; there are {', '.join(sorted(classes))}")
        name = name or provider
        if name in found:
            raise Misread(f"it has two routes called {name}: give one a name, as in backup={provider}")
        found[name] = {"class": classes[provider], **_fields(query, of=name)}
        if own := _settings(name, environment):
            found[name]["settings"] = own
    return found


def providers(variable: str) -> list[str]:
    """The providers of the routes in the environment's `variable`, in order."""
    text: str = env.str(variable, default="")
    names = (part.strip().partition("?")[0].rpartition("=")[2] for part in text.split(","))
    return [name for name in names if name]


def _fields(query: str, *, of: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in FIELDS:
            raise Misread(f"the route {of} has {name!r}; a route has {', '.join(FIELDS)}")
        fields[name] = _number(name, value, of=of) if name in NUMBERS else value
    if "countries" in fields:
        fields["countries"] = fields["countries"].upper().split()
    return fields


def _number(name: str, value: str, *, of: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise Misread(f"the route {of} has the {name} {value!r}, which is no number") from None


def _settings(name: str, environment: Mapping[str, str]) -> dict[str, str]:
    prefix = f"ROUTE_{re.sub('[^A-Z0-9]', '_', name.upper())}_"
    return {key.removeprefix(prefix): value for key, value in environment.items() if key.startswith(prefix)}


def from_environment(name: str, classes: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The routes in the variable `name`; a wrong one stops the start."""
    try:
        return parse(env.str(name, default=""), classes=classes, environment=os.environ)
    except Misread as error:
        refuse(f"{name}: {error}.")
