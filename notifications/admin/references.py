"""Where a reference leads: `booking:12` to the page of that booking, as the project says in OUTBOX_REFERENCE_LINKS.

The setting maps what stands before the colon to the name of a URL that takes what stands after it.
"""

from django.conf import settings
from django.urls import NoReverseMatch, reverse


def link_of(reference: str) -> str:
    """The address of the page about `reference`; empty if the project names none."""
    links: dict[str, str] = getattr(settings, "OUTBOX_REFERENCE_LINKS", {})
    prefix, _, key = reference.partition(":")
    try:
        return reverse(links[prefix], args=[key])
    except (KeyError, NoReverseMatch):
        return ""
