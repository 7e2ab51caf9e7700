"""Draws plots as SVG on the server, without scripts or inline styles. Their colours come from classes.

A line has a gap where nobody counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor, log10

from notifications.board.figures import Stretch
from notifications.board.formats import duration, number

WIDTH, HEIGHT = 320.0, 96.0  # of what is drawn into, in the SVG's own units
SHORTEST_SECONDS = 0.001  # the bottom of a logarithmic axis

Value = Callable[[Stretch], float | None]


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a plot: its name, its class in the style sheet, and its points as an SVG path."""

    name: str
    style: str
    path: str
    last: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot as the template draws it; `summary` says in words what it shows."""

    title: str
    series: list[Series]
    top: str
    bottom: str
    begins: datetime
    middle: datetime
    summary: str
    is_empty: bool


def plots(stretches: Sequence[Stretch], *, per: str) -> list[Plot]:
    """The plots of what happened, how long it took and how much waited, along `stretches`. `per` names one stretch."""
    return [
        _plot(
            f"Sent and failed, per {per}",
            stretches,
            [
                ("sent", "sent", lambda at: at.flow.sent if at.flow else None),
                ("failed", "failed", lambda at: at.flow.failed if at.flow else None),
            ],
        ),
        _plot(
            "Waiting, due and in flight",
            stretches,
            [
                ("waiting", "waiting", lambda at: at.depth.waiting if at.depth else None),
                ("due", "due", lambda at: at.depth.due if at.depth else None),
                ("in flight", "sending", lambda at: at.depth.sending if at.depth else None),
            ],
        ),
        _plot(
            "From commit to acceptance",
            stretches,
            [
                ("95th percentile", "p95", lambda at: at.flow.delay.p95 if at.flow else None),
                ("median", "p50", lambda at: at.flow.delay.p50 if at.flow else None),
            ],
            is_duration=True,
        ),
    ]


def _plot(
    title: str, stretches: Sequence[Stretch], lines: Sequence[tuple[str, str, Value]], *, is_duration: bool = False
) -> Plot:
    values = {name: [value(stretch) for stretch in stretches] for name, _, value in lines}
    known = [value for line in values.values() for value in line if value is not None]
    say = duration if is_duration else number
    top = _power_above(max(known, default=0)) if is_duration else _round_above(max(known, default=0))
    scale = _logarithmic(top) if is_duration else _linear(top)
    series = [Series(name, style, _path(values[name], scale), _now(values[name], say)) for name, style, _ in lines]
    return Plot(
        title=title,
        series=series,
        top=say(top),
        bottom=duration(SHORTEST_SECONDS) if is_duration else "0",
        begins=stretches[0].begins,
        middle=stretches[len(stretches) // 2].begins,
        summary=f"{title}: {_summary(values, say)}",
        is_empty=not known,
    )


def _path(values: Sequence[float | None], scale: Callable[[float], float]) -> str:
    """The values as an SVG path from left to right. A single value between gaps is a dot."""
    step = WIDTH / max(len(values) - 1, 1)
    parts, is_open = [], False
    for place, value in enumerate(values):
        if value is None:
            is_open = False
            continue
        point = f"{place * step:.1f} {HEIGHT * (1 - scale(value)):.1f}"
        parts.append(f"L{point}" if is_open else f"M{point}h.1")
        is_open = True
    return "".join(parts)


def _summary(values: dict[str, list[float | None]], say: Callable[[float], str]) -> str:
    words = []
    for name, line in values.items():
        known = [value for value in line if value is not None]
        words.append(f"{name} at most {say(max(known))}, now {_now(line, say)}" if known else f"{name} not known")
    return "; ".join(words)


def _now(line: Sequence[float | None], say: Callable[[float], str]) -> str:
    last = line[-1]
    return "–" if last is None else say(last)


def _linear(top: float) -> Callable[[float], float]:
    return lambda value: value / top


def _logarithmic(top: float) -> Callable[[float], float]:
    decades = log10(top / SHORTEST_SECONDS)
    return lambda value: log10(max(value, SHORTEST_SECONDS) / SHORTEST_SECONDS) / decades


def _round_above(value: float) -> float:
    """1, 2, 5, 10, 20, 50, …: the first that is not below `value`."""
    power = 10.0 ** floor(log10(max(value, 1)))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value)


def _power_above(value: float) -> float:
    return 10.0 ** max(ceil(log10(max(value, SHORTEST_SECONDS))), -1)
