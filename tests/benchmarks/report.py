"""The table for people: figures with their ratio to the relay's, and below it why some are missing."""

from tests.benchmarks.results import Results

STOPPED = "ended by the time limit: the rate until then"
ONCE = "measured once, in the first round"


def as_table(results: Results) -> str:
    """The table as plain text, which is Markdown too."""
    notes = _Notes()
    header = ["case", "what it measures", *results.contenders]
    rows = [
        [name, described, *(_cell(results, name, contender, notes) for contender in results.contenders)]
        for name, described in results.cases.items()
    ]
    return "\n".join([*_head(results), "", *_aligned([header, *rows]), "", *notes.lines(), *_failures(results)])


class _Notes:
    """Reasons, each said once, under a number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def mark(self, reason: str) -> str:
        return f"[{self._numbers.setdefault(reason, len(self._numbers) + 1)}]"

    def lines(self) -> list[str]:
        return [f"- [{number}] {reason}" for reason, number in self._numbers.items()]


def _head(results: Results) -> list[str]:
    kind = "QUICK RUN: small sizes" if results.sizes.is_quick else f"medians of {results.sizes.rounds} rounds"
    versions = ", ".join(f"{name} {number}" for name, number in results.versions.items())
    described = _aligned(
        [["contender", "what runs", "order", "what it keeps of a finished message"], *_described(results)]
    )
    return [
        f"{results.began:%Y-%m-%d}, {results.machine}; {versions}; {kind}.",
        "In messages/s, unless the name says otherwise; in brackets the ratio to the relay.",
        "",
        *described,
    ]


def _described(results: Results) -> list[list[str]]:
    """A row for each contender; one that is missing has only the reason."""
    return [[name, *results.descriptions.get(name, ("not asked for", "", ""))] for name in results.contenders]


def _cell(results: Results, case: str, contender: str, notes: _Notes) -> str:
    figure = results.figure(case, contender)
    if figure is None:
        return f"– {notes.mark(results.reasons.get((case, contender), 'not measured'))}"
    ours = results.figure(case, "relay")
    ratio = f" ({figure / ours:.2f})" if ours and contender != "relay" else ""
    is_once = len(results.runs[case, contender]) < results.sizes.rounds
    reasons = [STOPPED] * ((case, contender) in results.stopped) + [ONCE] * is_once
    return " ".join([f"{figure:,}{ratio}", *map(notes.mark, reasons)])


def _failures(results: Results) -> list[str]:
    return ["", *(f"FAILED: {failure}" for failure in results.failures)] if results.failures else []


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    ruler = "| " + " | ".join("-" * max(width, 3) for width in widths) + " |"
    return [lines[0], ruler, *lines[1:]]
