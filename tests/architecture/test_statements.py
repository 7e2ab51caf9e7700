"""Every statement that writes can run on Citus: a rule that is kept by looking, where no Citus is at hand."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = [
    path
    for folder in ("notifications", "bookings", "config")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "migrations" not in path.parts and path.parent.name != "testing"
]
WRITES = re.compile(r"\b(?:UPDATE \w+|INSERT INTO|DELETE FROM)\b")
# Citus refuses these in an UPDATE, and elsewhere runs them on the node of the rows.
VOLATILE = re.compile(r"clock_timestamp|advisory|pg_sequence_last_value|random\(\)|pg_notify")


def statements(source: str) -> list[str]:
    """The texts of a file that hold SQL; the parts of a formatted one together."""
    texts = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.append(node.value)
        elif isinstance(node, ast.JoinedStr):
            texts.append("".join(part.value for part in node.values if isinstance(part, ast.Constant)))
    return texts


def test_what_writes_calls_nothing_volatile() -> None:
    for path in SOURCES:
        wrong = [text for text in statements(path.read_text()) if WRITES.search(text) and VOLATILE.search(text)]
        assert wrong == [], path
