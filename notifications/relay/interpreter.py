"""Tunes the Python interpreter, so that the relay's own thread runs promptly beside many busy sending threads."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# The relay's own thread needs the interpreter after each answer of the database, while its sending threads render
# messages. At Python's default, 5 ms, it would wait longer than the database takes for a batch.
SWITCH_SECONDS = 0.0005


@contextmanager
def tuned() -> Iterator[None]:
    """Within the block, threads switch quickly, and what is loaded already is left out of garbage collection: it stays
    anyway.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        sys.setswitchinterval(before)
