"""Masks addresses: removes them from providers' texts, so that neither the attempts' table nor a log collects them
(G12), and shortens them for staff, who must still recognise one.
"""

import re

MOST_CHARACTERS = 300
LONGEST_ADDRESS = 254  # characters, an email's (RFC 5321)

_EMAIL = re.compile(r"[^\s<>:;,\"'()]+@[^\s<>:;,\"'()]+")
_PHONE = re.compile(r"\+?\d(?:[\s().-]{0,2}\d){6,}")  # seven digits or more: an error's number has five
_E164 = re.compile(r"\+[1-9]\d{6,14}(?!\d)")


def masked(text: str, address: str) -> str:
    """`text`, shortened, with `address` and everything that looks like a phone number or an email address left out."""
    read = text[: 10 * MOST_CHARACTERS]
    shortened = " ".join(read.split())
    if address:
        shortened = shortened.replace(address, "…")
    without = _PHONE.sub("…", _EMAIL.sub("…", shortened))
    if len(read) < len(text):  # the cut may have left a part of an address at the end
        without = without[:-LONGEST_ADDRESS]
    return without[:MOST_CHARACTERS]


def hint(address: str) -> str:
    """As much of `address` as it takes to recognise it: +1415…23, a…@example.com; an empty address is "none"."""
    if not address:
        return "none"
    name, at, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}" if at else f"{address[:5]}…{address[-2:]}"


def with_hints(text: str) -> str:
    """`text` with every email address and E.164 number in it shortened to a hint; other numbers stay."""
    return _E164.sub(_hint_at, _EMAIL.sub(_hint_at, text))


def _hint_at(found: re.Match[str]) -> str:
    return hint(found[0])
