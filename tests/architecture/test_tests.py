"""Tests are found: by the name of the module that they test, and by a name that no other test has."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

TESTS = Path(__file__).resolve().parent.parent
ROOT = TESTS.parent
NAME = re.compile(r"^\s*(?:async )?def (test_\w+)", re.MULTILINE)
APPS = ("bookings", "config")  # their tests' folders bear the app's name, all others a wing's of `notifications`
WINGS = [
    *(folder for mirror in ("unit", "integration") for folder in (TESTS / mirror).iterdir() if folder.is_dir()),
    *(TESTS / wing for wing in ("monitoring", "webhooks", "sandbox")),
]


def modules_of(wing: Path) -> set[str]:
    """The names of the wing's modules, and of its commands, models and folders."""
    place = ROOT / wing.name if wing.name in APPS else ROOT / "notifications" / wing.name
    return {path.stem for path in place.rglob("*") if path.suffix == ".py" or path.is_dir()}


def is_named_for_one(test: Path, modules: set[str]) -> bool:
    name = test.stem.removeprefix("test_")
    return any(name == module or name.startswith(f"{module}_") for module in modules)


@pytest.mark.parametrize(
    "wing", [each for each in WINGS if each.name != "__pycache__"], ids=lambda wing: str(wing.relative_to(TESTS))
)
def test_a_file_of_tests_bears_a_modules_name(wing: Path) -> None:
    """`tests/unit/policy/test_retry.py` tests `notifications/policy/retry.py`; `test_retry_at_night.py` would, too."""
    modules = modules_of(wing)
    others = [test.name for test in sorted(wing.glob("test_*.py")) if not is_named_for_one(test, modules)]
    assert others == [], f"name them for one of {sorted(modules)}"


def test_no_two_tests_have_one_name() -> None:
    """A name in a report, a commit or a page of the documentation means one test."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for name in NAME.findall(path.read_text()):
            places[name].append(str(path.relative_to(TESTS)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


@pytest.mark.django_db(transaction=True)
class TestCommits:
    """In this process, and in those that are handed the database's address."""

    def test_they_do_not_wait_for_the_disk(self, database_url: str) -> None:
        assert waiting(database_url) == ["off", "off"]

    def test_they_do_where_time_is_measured(self, commits_reach_the_disk: None, database_url: str) -> None:
        assert waiting(database_url) == ["on", "on"]


def waiting(database_url: str) -> list[Any]:
    with connection.cursor() as ours, psycopg.connect(database_url) as anothers:
        return [each.execute("SHOW synchronous_commit").fetchone()[0] for each in (ours.connection, anothers)]
