"""What each setting may hold, by its name and its default. Pure Python: a system check says what is wrong."""

from collections.abc import Callable, Mapping
from math import isfinite

AT_LEAST_ONE = frozenset(
    {
        "OUTBOX_MAX_ATTEMPTS",
        "OUTBOX_MAX_RESCUES",
        "OUTBOX_MAX_DEFERRALS",
        "OUTBOX_CODE_GUESSES",
        "OUTBOX_MAX_ATTEMPTS_OF",
    }
)
COUNTS = AT_LEAST_ONE | {"OUTBOX_CODES_PER_HOUR", "OUTBOX_CODES_PER_DAY", "OUTBOX_ATTACHMENTS_MAX_BYTES"}
MORE_THAN_ZERO = frozenset(
    {
        "OUTBOX_LEASE_SECONDS",
        "OUTBOX_SEND_TIMEOUT_SECONDS",
        "OUTBOX_CODE_MINUTES",
        "OUTBOX_ROUTE_SLOW_SECONDS",
        "OUTBOX_ROUTE_RETURN_SECONDS",
    }
)
OWN_CHECK = frozenset({"OUTBOX_ROUTES", "OUTBOX_SPEND_CAPS"})  # `channels` say what is wrong with these


def setting_problem(name: str, value: object, *, default: object) -> str:
    """What is wrong with `value`, in words that follow the setting's name; empty if nothing is."""
    if name in OWN_CHECK or isinstance(default, bool):
        return "" if name in OWN_CHECK or isinstance(value, bool) else _not("True or False", value)
    if isinstance(default, int | float):
        return _number_problem(name, value)
    if isinstance(default, str):
        return "" if isinstance(value, str) else _not("text", value)
    if isinstance(default, Mapping):
        return _mapping_problem(
            name, value, of=_text_problem if name.endswith(("_LINKS", "_CHANNELS", "_OF_KIND")) else _number_problem
        )
    if not isinstance(value, list | tuple | set | frozenset):
        return f"must be a list of texts, not {type(value).__name__}"  # a key may be among them
    return "" if all(isinstance(each, str) for each in value) else _not("a list of texts", value)


def _mapping_problem(name: str, value: object, *, of: Callable[[str, object], str]) -> str:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        return _not("a dict whose keys are texts", value)
    return next((f"[{key!r}] {wrong}" for key, each in value.items() if (wrong := of(name, each))), "")


def _text_problem(_: str, value: object) -> str:
    return "" if isinstance(value, str) else _not("text", value)


def _number_problem(name: str, value: object) -> str:
    is_count = name in COUNTS or name.startswith("OUTBOX_CAP_")
    wanted = "a whole number" if is_count else "a number"
    if isinstance(value, bool) or not isinstance(value, int if is_count else int | float) or not isfinite(value):
        return _not(wanted, value)
    if name in MORE_THAN_ZERO:
        return "" if value > 0 else _not("more than 0", value)
    least = 1 if name in AT_LEAST_ONE else 0
    return "" if value >= least else _not(f"at least {least}", value)


def _not(wanted: str, value: object) -> str:
    return f"must be {wanted}, not {value!r:.60}"
