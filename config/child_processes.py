"""Child processes that live no longer than the one that started them, where the system offers that."""

import ctypes
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1  # prctl(2)


def end_with_parent(number: signal.Signals) -> Callable[[], object] | None:
    """A `preexec_fn` by which Linux sends the child this signal when its parent dies; elsewhere None.

    For a parent with one thread: what runs between fork and exec must not need a lock that another thread holds.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork
    return lambda: prctl(PR_SET_PDEATHSIG, number)
