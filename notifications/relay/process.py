"""Settings of the Python interpreter for a process in which one thread must be prompt beside many busy ones."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# The relay's own thread asks for the interpreter after each answer of the database, while its sending threads put
# messages into words. At Python's default, 5 ms, it would wait longer than the database takes for a batch.
SWITCH_SECONDS = 0.0005


def tune() -> None:
    """Let threads switch quickly, and exclude what is already loaded from garbage collection: it stays anyway."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()


@contextmanager
def tuned() -> Iterator[None]:
    """The same, undone at the end of the block."""
    before = sys.getswitchinterval()
    tune()
    try:
        yield
    finally:
        gc.unfreeze()
        sys.setswitchinterval(before)
