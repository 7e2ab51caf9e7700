"""Ends child processes together with their parent, on systems that can do that."""

import ctypes
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1  # prctl(2)


def end_with_parent(number: signal.Signals) -> Callable[[], object] | None:
    """A `preexec_fn` that makes Linux send the child this signal when its parent dies; None on other systems.

    Only for parents with one thread: code between fork and exec must not need a lock that another thread holds.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork
    return lambda: prctl(PR_SET_PDEATHSIG, number)
