"""Faults to plant in the report of usage: as `planted`, into its clean history."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from tests.chaos.history import Counted, History


def count(history: History) -> None:
    """Have the report count what the provider did: each SMS has a price."""
    priced = [call.word for call in history.calls if call.word.channel == "sms"]
    names = {word: f"SM{number}" for number, word in enumerate(priced)}
    history.calls = [
        replace(call, sid=names[call.word], price=Decimal("0.01"), segments=2) if call.word in names else call
        for call in history.calls
    ]
    history.priced = frozenset(names.values())
    for (kind, channel), sent in _sent(history).items():
        copies = sent if channel == "sms" else 0
        history.usage.append(Counted(kind, channel, sent, copies, 2 * copies, copies * Decimal("0.01")))


def _sent(history: History) -> Counter[tuple[str, str]]:
    return Counter((each.word.kind, each.word.channel) for each in history.messages if each.status == "sent")


def count_one_twice(history: History) -> None:
    count(history)
    history.usage[0] = replace(history.usage[0], sent=history.usage[0].sent + 1)


def count_one_not_at_all(history: History) -> None:
    count(history)
    del history.usage[-1]


def charge_too_little(history: History) -> None:
    count(history)
    history.usage[0] = replace(history.usage[0], cost=Decimal(0))


PLANTED: list[tuple[str, Callable[[History], None]]] = [
    ("miscounted", count_one_twice),
    ("miscounted", count_one_not_at_all),
    ("miscounted", charge_too_little),
]
