"""CSV for spreadsheets, sent line by line: no cell is run as a formula, and no list is held in memory.

A cell that begins as a formula does gets an apostrophe before it, as OWASP advises (CSV injection).
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse

# The wide ones, too: a spreadsheet narrows them.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class _Line:
    """What csv writes to: gives the line back."""

    def write(self, line: str) -> str:
        return line


def csv_file(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """An answer that the browser saves as `name`.csv."""
    answer = StreamingHttpResponse(_lines(header, rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def _lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(map(cell, header))
    for row in rows:
        yield writer.writerow(map(cell, row))


def cell(value: Any) -> str:
    """The value as a cell. A number stays one, below zero too."""
    text = "" if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)
    return f"'{text}" if isinstance(value, str) and text.lstrip(" ").startswith(FORMULA) else text
