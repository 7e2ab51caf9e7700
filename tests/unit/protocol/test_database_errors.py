"""Which errors mean "not now", however they come: from psycopg or through Django, with a code or without one."""

import psycopg
import pytest
from django.db import InterfaceError, InternalError, OperationalError, ProgrammingError

from notifications.protocol.database_errors import is_not_now

LATER = ("08006", "25006", "25P03", "25P04", "40001", "40P01", "53300", "53100", "55000", "55P03", "57014", "58030")
LATER += ("57P01", "57P02", "57P03", "57P05")
NEVER = ("23505", "42P01", "42501", "22001", "25P02", "0A000", "3F000")


def raised(state: str) -> psycopg.Error:
    return type("Raised", (psycopg.Error,), {"sqlstate": state})("words")


def wrapped(error: Exception, kind: type[Exception] = InternalError) -> Exception:
    outer = kind(str(error))
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize("state", LATER)
def test_a_state_that_passes_is_not_now(state: str) -> None:
    assert is_not_now(raised(state))
    assert is_not_now(wrapped(raised(state)))


@pytest.mark.parametrize("state", NEVER)
def test_a_state_that_stays_is_an_error(state: str) -> None:
    assert not is_not_now(raised(state))
    assert not is_not_now(wrapped(raised(state), ProgrammingError))


def test_nobody_answering_is_not_now() -> None:
    assert is_not_now(psycopg.OperationalError("connection failed"))
    assert is_not_now(wrapped(psycopg.OperationalError("server closed the connection"), OperationalError))
    assert is_not_now(OperationalError("The embedded PostgreSQL is not available"))
    assert is_not_now(InterfaceError("connection already closed"))


@pytest.mark.parametrize("error", [None, ValueError("x"), psycopg.InterfaceError("the cursor is closed"), KeyError()])
def test_everything_else_is_an_error(error: BaseException | None) -> None:
    assert not is_not_now(error)
