"""How a process has its Python interpreter, one thread of which must be prompt beside many that are busy."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# The relay's own thread asks for the interpreter after each answer of the database, while its sending threads put
# messages into words. At Python's 5 ms it would wait for longer than the database takes for a whole batch.
SWITCH_SECONDS = 0.0005


def tune() -> None:
    """Hand the interpreter over quickly, and spare the garbage collector what was loaded before: it stays anyway."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()


@contextmanager
def tuned() -> Iterator[None]:
    """Tuned as long as the block lasts."""
    before = sys.getswitchinterval()
    tune()
    try:
        yield
    finally:
        gc.unfreeze()
        sys.setswitchinterval(before)
