"""Migrations run while old code is at work: a linter looks for what would break it, or lock it out."""

import io
from contextlib import redirect_stdout

import pytest
from django.db.migrations.loader import MigrationLoader
from django_migration_linter import MigrationLinter

OURS = ("notifications", "bookings", "config")


def names() -> list[tuple[str, str]]:
    return sorted(key for key in MigrationLoader(None).disk_migrations if key[0] in OURS)


@pytest.mark.django_db(transaction=True)  # what runs outside a transaction is looked at outside one
def test_old_code_can_run_beside_each() -> None:
    said = {name: lint(name) for name in names()}
    unsafe = {name for name, words in said.items() if "ERR" in words or ("WARNING" in words and not is_first(name))}

    assert not unsafe, said


def is_first(name: tuple[str, str]) -> bool:
    """A first migration makes all its tables itself, so no index of it can lock a table that somebody uses."""
    return bool(MigrationLoader(None).get_migration(*name).initial)


def lint(name: tuple[str, str]) -> str:
    with redirect_stdout(io.StringIO()) as said:
        linter = MigrationLinter(database="default", analyser_string="postgresql", no_cache=True)
        linter.lint_migration(linter.migration_loader.get_migration(*name))
    return said.getvalue()


@pytest.mark.parametrize("name", names(), ids="-".join)
def test_it_can_be_undone(name: tuple[str, str]) -> None:
    migration = MigrationLoader(None).get_migration(*name)

    assert [operation for operation in migration.operations if not operation.reversible] == []
