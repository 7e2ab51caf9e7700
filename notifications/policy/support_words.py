"""What support calls the states of a message, beside the technical names. Pure Python."""

STATUSES = {
    "queued": "waits its turn",
    "pending": "goes next",
    "sending": "being sent",
    "sent": "sent",
    "failed": "failed",
    "cancelled": "withdrawn",
    "expired": "too late",
}


def status_words(status: str) -> str:
    """The status as support calls it, with the technical name beside it where that is another: goes next (pending)."""
    words = STATUSES.get(status, status)
    return words if words == status else f"{words} ({status})"
