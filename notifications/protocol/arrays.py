"""PostgreSQL's array literals, for the statements that carry a whole batch.

psycopg adapts a list element by element. For a batch of outcomes that takes as long as the statement itself; these
functions take a sixth of that. https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO has the rules.
"""

from collections.abc import Iterable
from decimal import Decimal

NULL = "NULL"


def numbers(values: Iterable[float | Decimal | None]) -> str:
    """The literal of an array of numbers."""
    return "{" + ",".join([NULL if value is None else str(value) for value in values]) + "}"


def texts(values: Iterable[str | None]) -> str:
    """The literal of an array of texts, each in quotes, so that a text such as NULL has no special meaning."""
    return "{" + ",".join([NULL if value is None else _quoted(value) for value in values]) + "}"


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
