"""How the commands read their arguments."""

from argparse import ArgumentTypeError


def at_least_one(text: str) -> int:
    """A whole number of at least 1; anything else is refused with one clear line."""
    if not text.isascii() or not text.isdigit() or int(text[:9]) < 1:
        raise ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text[:9])
