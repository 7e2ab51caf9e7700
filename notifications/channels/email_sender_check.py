"""Checks the sender of emails at the start: with an invalid one every email would fail, as if for its recipient."""

from email.errors import ObsoleteHeaderDefect
from email.policy import default
from email.utils import getaddresses

from django.core.exceptions import ImproperlyConfigured


def checked_sender(text: str) -> str:
    """`text`, if it is one address with or without a name before it. Raises ImproperlyConfigured."""
    if not isinstance(text, str) or not _is_one_address(text):
        raise ImproperlyConfigured(
            f"DEFAULT_FROM_EMAIL must be one address, name@example.com or Name <name@example.com>, not {text!r}. A "
            'name that holds a comma, a colon, an @ or other special characters stands in quotes: "Parcels, Inc." <…>.'
        )
    return text


def _is_one_address(text: str) -> bool:
    """By RFC 5322 without its obsolete forms, but for dots in a name, which every mail program writes."""
    try:
        header = default.header_factory("from", text)
    except (ValueError, IndexError, AttributeError):  # what the parser raises for some texts, rather than a defect
        return False
    is_sound = all(isinstance(defect, ObsoleteHeaderDefect) for defect in header.defects)
    is_one = len(header.addresses) == len(header.groups) == len(getaddresses([text])) == 1
    return is_sound and is_one and header.groups[0].display_name is None and bool(header.addresses[0].domain)
