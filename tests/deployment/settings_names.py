"""The names of the environment's variables, as config/settings.py and the files that it includes read them."""

import ast
from pathlib import Path

from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent.parent
FILES = (
    "settings.py",
    "limits.py",
    "staff_settings.py",
    "business_settings.py",
    "mounted_at.py",
    "provider_settings.py",
    "route_settings.py",
    "shard_settings.py",
)
READERS = frozenset(
    {"secret", "number", "choice", "named", "networks", "rate", "database", "str", "bool", "list", "int", "json"}
    | {"amounts", "_line", "_lines", "_time_zone", "_currency", "_website", "_by_kind", "from_environment"}
)  # env.str(…), number(…), …


def variables() -> set[str]:
    """Every variable that settings are read from; those that each channel has are named for each channel."""
    found: set[str] = set()
    calls = [call for file in FILES for call in ast.walk(ast.parse((ROOT / "config" / file).read_text()))]
    for call in calls:
        if isinstance(call, ast.Call) and call.args and _name_of(call.func) in READERS:
            found |= _names(call.args[0])
    return found


def _name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _names(argument: ast.expr) -> set[str]:
    if isinstance(argument, ast.Constant):
        return {argument.value}
    if isinstance(argument, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else None for part in argument.values]
        return {"".join(part or channel.upper() for part in parts) for channel in settings.OUTBOX_CHANNELS}
    return set()
