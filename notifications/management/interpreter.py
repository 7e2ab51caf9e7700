"""Tunes the Python interpreter, so that a thread which waits for the database runs promptly beside many busy ones.

For the relay's command and for the web's workers alike; it needs nothing else of ours.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# A thread needs the interpreter after each answer of the database, while others render messages or pages. At Python's
# default, 5 ms, it would wait longer than the database takes for a batch.
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
