"""Faults of messages that move from one route to another, to plant into a history in which nothing is wrong."""

from collections.abc import Callable
from dataclasses import replace

from tests.chaos.history import History
from tests.chaos.planted import repeat_after_unknown


def move_after_unknown(history: History) -> None:
    """The answer over the first route was lost, and nobody could be asked; the other route took it too."""
    repeat_after_unknown(history)
    history.calls[0] = replace(history.calls[0], route="twilio")
    history.calls[-1] = replace(history.calls[-1], route="vonage")
    history.attempts[0] = replace(history.attempts[0], route="twilio")
    history.attempts[-1] = replace(history.attempts[-1], route="vonage")


def move_before_it_is_unknown(history: History) -> None:
    move_after_unknown(history)
    history.attempts[0] = replace(history.attempts[0], ended=history.calls[-1].began + 1)


def doubt_the_other_route(history: History) -> None:
    """The attempt is on record as one over a route that it did not go over."""
    move_after_unknown(history)
    history.attempts[0] = replace(history.attempts[0], route="vonage")


def move_unmarked(history: History) -> None:
    move_after_unknown(history)
    history.attempts[-1] = replace(history.attempts[-1], code="")


PLANTED: list[tuple[str, Callable[[History], None]]] = [
    ("moved_too_soon", move_before_it_is_unknown),
    ("moved_too_soon", doubt_the_other_route),
    ("moved_too_soon", move_unmarked),
]
