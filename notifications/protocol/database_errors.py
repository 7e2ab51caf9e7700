"""Which errors of PostgreSQL mean "not now": the same call may succeed later, and no row or statement is at fault.

This is the only table of them. Loops use it to wait for the database, and views to answer "try again soon".
Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import psycopg
from django.db import InterfaceError, OperationalError

# SQLSTATEs, and classes of them by their first two characters.
NOT_NOW = (
    "08",  # the connection failed, or was refused
    "25006",  # read-only: a standby, or a failover that has not ended
    "25P03",  # the session was ended because it idled in a transaction
    "25P04",  # the transaction took too long
    "40",  # aborted because of another transaction: deadlock, serialization failure, conflict with recovery
    "53",  # no room: too many connections, disk full, out of memory
    "55000",  # not in this state: the server is still in recovery
    "55P03",  # a lock was not available in time
    "57014",  # the statement was cancelled or took too long
    "57P",  # shutting down, crashed, starting up, the database dropped, the session idled too long
    "58",  # the server's disk or operating system failed
)

CANNOT_WRITE = ("25006", "55000")  # of these, the ones of a server that another one may have replaced


def is_not_now(error: BaseException | None) -> bool:
    """Whether `error`, as psycopg or Django raised it, says that the database cannot do it at present."""
    told = getattr(error, "__cause__", None)
    cause = told if isinstance(told, psycopg.Error) else error
    if state := getattr(cause, "sqlstate", None):
        return str(state).startswith(NOT_NOW)
    if isinstance(cause, psycopg.OperationalError | OperationalError):  # without a code: the server did not answer
        return True
    return isinstance(cause, psycopg.InterfaceError | InterfaceError) and "connection" in str(cause)
