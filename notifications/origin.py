"""Remembers a message's origin: the request, command or schedule that published it.

Whoever begins such work names it here; `publish` keeps the name with each message, so that a message leads to the log
lines of the request that asked for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MOST_ORIGIN = 160  # characters

_origin: ContextVar[str] = ContextVar("origin", default="")


def current() -> str:
    """The name of the work that is being done, or an empty text."""
    return _origin.get()


@contextmanager
def coming_from(name: str) -> Iterator[None]:
    """Whatever is published within comes from `name`: "request 4f0c…", "command queue_reminders"."""
    token = _origin.set(name[:MOST_ORIGIN].replace("\x00", ""))
    try:
        yield
    finally:
        _origin.reset(token)
