"""Remembers a message's origin: the request, command or schedule that published it.

Code that begins such work names it here. `publish` stores the name with each message, so the log lines of the request
can be found from the message.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MOST_ORIGIN = 160  # characters

_origin: ContextVar[str] = ContextVar("origin", default="")


def current() -> str:
    """The name of the current work, or an empty text."""
    return _origin.get()


@contextmanager
def coming_from(name: str) -> Iterator[None]:
    """Messages published in this block have the origin `name`: "request 4f0c…", "command queue_reminders"."""
    token = _origin.set(name[:MOST_ORIGIN].replace("\x00", ""))
    try:
        yield
    finally:
        _origin.reset(token)
