"""How the commands read their arguments."""

from argparse import ArgumentTypeError

from django.contrib.auth.models import User
from django.core.management.base import CommandError


def at_least_one(text: str) -> int:
    """A whole number of at least 1; anything else is refused with one clear line."""
    if not text.isascii() or not text.isdigit() or int(text[:9]) < 1:
        raise ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text[:9])


def customer_called(text: str) -> User:
    """The account with this name, or with this ID. Raises CommandError if there is none."""
    found = User.objects.filter(username=text).first()
    if found is None and text.isascii() and text.isdigit():
        found = User.objects.filter(pk=int(text[:18])).first()
    if found is None:
        raise CommandError("There is no account of this name or ID.")
    return found
