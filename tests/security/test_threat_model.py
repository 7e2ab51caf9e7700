"""docs/security.md names a test beside each threat: they are there, and every test of this folder's files is in use."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/.]+\.py::\w+)`", PAGE)))


@pytest.mark.parametrize("named", NAMED)
def test_a_test_that_is_named_is_there(named: str) -> None:
    path, name = named.split("::")

    functions = {
        node.name for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.FunctionDef)
    }
    assert name in functions


def test_every_threat_names_a_test_and_an_item() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| they", "| ---"))]

    assert len(rows) > 40
    for row in rows:
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
        assert len(cells) == 4, row
        assert re.search(r"\b(API\d|ASVS \d)", cells[2]), row
        assert "::" in cells[3], row


def test_every_item_of_the_api_top_ten_is_considered() -> None:
    """API9, the inventory, is the schema itself: every route is classified by tests/api/test_every_route.py."""
    assert {number for number in range(1, 11) if f"API{number}" not in PAGE} <= {9}


def test_every_file_of_this_folder_is_named() -> None:
    files = {path.name for path in Path(__file__).parent.glob("test_*.py")} - {Path(__file__).name}

    assert [name for name in files if f"tests/security/{name}" not in PAGE] == []
