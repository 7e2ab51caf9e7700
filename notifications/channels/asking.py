"""Asks a provider again for a message that it may have taken, but not shown yet (G6)."""

from collections.abc import Callable

from notifications.channels.deadline import Deadline
from notifications.lifecycle import Accepted, Throttled, Transient

VISIBLE_SECONDS = 2.0  # a message may take a moment to be listed; nothing found sooner is asked for again

Answer = Accepted | Transient | Throttled | None  # None: it does not have the message, or we may not look


def ask_until_visible(
    ask: Callable[[], Answer], *, unknown_for: float, deadline: Deadline, pause: Callable[[float], None]
) -> Answer:
    """What `ask` finds. If that is nothing, it asks once more when the outcome has been unknown for VISIBLE_SECONDS."""
    found = ask()
    seconds = VISIBLE_SECONDS - unknown_for
    if found is None and 0 < seconds < deadline.remaining():
        pause(seconds)
        found = ask()
    return found
