"""Email addresses as they stand on an envelope: exactly as written, or not at all.

Only a domain in another script is written differently, in IDNA 2008's ASCII form (RFC 5891): both forms name the same
host. IDNA 2003, which Python's own codec and Django use, sends mail for straße.de to strasse.de. The local part belongs
to its host alone (RFC 5321, 2.4): in another form it may be another person's mailbox. Pure Python.
"""

import re
from typing import NamedTuple

import idna

# RFC 5321, 4.1.2, and RFC 6531, 3.3. Dots may lie anywhere: Japanese carriers gave out mailboxes like "ann..b.".
_OTHER = r"[^\x00-\xa0\s\ud800-\udfff]"  # not ASCII, no control character, no space or line break of any kind
_ATOMS = re.compile(rf"(?:[a-zA-Z0-9!#$%&'*+/=?^_`{{|}}~.-]|{_OTHER})+")
_QUOTED = re.compile(rf'"(?:[ !#-\[\]-~]|\\[ -~]|{_OTHER})*"')
_LITERAL = re.compile(r"\[[0-9A-Za-z.:-]+\]")
_HOST = re.compile(r"[a-zA-Z0-9_-]+(?:\.[a-zA-Z0-9_-]+)*")
MOST_CHARACTERS = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets


class Unusable(ValueError):
    """Nothing can be sent to this address; the text says why, without the address."""


class Mailbox(NamedTuple):
    """An address for an envelope. With `needs_utf8` only a server that offers SMTPUTF8 can take it (RFC 6531)."""

    address: str
    needs_utf8: bool


def mailbox(address: str) -> Mailbox:
    """The mailbox that `address` names. Raises Unusable."""
    local, at, domain = address.rpartition("@")
    if not at:
        raise Unusable("The address has no @." if address.strip() else "The address is empty.")
    if not (_ATOMS.fullmatch(local) or _QUOTED.fullmatch(local)):
        raise Unusable("The part of the address before the @ cannot be written in an email.")
    written = f"{local}@{_host(domain)}"
    if len(written.encode()) > MOST_CHARACTERS:
        raise Unusable(f"The address is longer than {MOST_CHARACTERS} characters.")
    return Mailbox(written, needs_utf8=not local.isascii())


def _host(domain: str) -> str:
    if _LITERAL.fullmatch(domain):
        return domain
    try:
        host = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        host = ""
    if not _HOST.fullmatch(host):
        raise Unusable("The address's domain cannot be looked up.")
    return host
