"""Turns a message's reference into a link: `booking:12` leads to that booking's page, by OUTBOX_REFERENCE_LINKS.

The setting maps the part before the colon to the name of a URL, which takes the part after the colon.
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
