"""Tunes the Python interpreter, so that the relay's own thread runs promptly beside many busy sending threads."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# The relay's own thread needs the interpreter after each answer of the database, while its sending threads render
# messages. At Python's default, 5 ms, it would wait longer than the database takes for a batch.
SWITCH_SECONDS = 0.0005


def tune() -> None:
    """Let threads switch quickly, and exclude what is already loaded from garbage collection: it stays anyway."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()


@contextmanager
def tuned() -> Iterator[None]:
    """As `tune`, undone at the end of the block."""
    before = sys.getswitchinterval()
    tune()
    try:
        yield
    finally:
        gc.unfreeze()
        sys.setswitchinterval(before)
