"""PostgreSQL's array literals, for the statements that carry a whole batch.

psycopg adapts a list element by element, which for a batch of outcomes takes as long as the statement itself; written
out here it takes a sixth of that. https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO has the rules.
"""

from collections.abc import Iterable

NULL = "NULL"


def numbers(values: Iterable[float | None]) -> str:
    """The literal of an array of numbers."""
    return "{" + ",".join([NULL if value is None else str(value) for value in values]) + "}"


def texts(values: Iterable[str | None]) -> str:
    """The literal of an array of texts, each in quotes: no word then has a meaning of its own."""
    return "{" + ",".join([NULL if value is None else _quoted(value) for value in values]) + "}"


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
