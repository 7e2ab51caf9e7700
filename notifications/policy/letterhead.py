"""What stands above a kind's emails besides To and Subject: who sends them, where replies go, who gets a copy."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

MOST_COPIES = 10
HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,70}")
# Headers that say how an email is carried, or which have fields of their own.
OURS = frozenset(
    {"from", "to", "cc", "bcc", "reply-to", "sender", "subject", "date", "message-id", "return-path", "received"}
    | {"mime-version", "auto-submitted", "list-unsubscribe", "list-unsubscribe-post", "dkim-signature"}
)


class Letterhead(NamedTuple):
    """Of one email. What is empty is not there; without a `sender` it is DEFAULT_FROM_EMAIL."""

    sender: str = ""
    reply_to: str = ""
    cc: tuple[str, ...] = ()
    headers: Mapping[str, str] = {}


PLAIN = Letterhead()


def letterhead_problems(letterhead: Letterhead) -> Iterator[str]:
    """What a kind cannot have, in words that follow its name."""
    if isinstance(letterhead.cc, str) or not all(isinstance(each, str) for each in letterhead.cc):
        yield 'cc must be addresses, as in ("office@example.com",)'
    elif len(letterhead.cc) > MOST_COPIES:
        yield f"at most {MOST_COPIES} get a copy"
    if not isinstance(letterhead.headers, Mapping):
        yield 'headers must be texts by name, as in {"X-Parcel": "{{ number }}"}'
        return
    for name, value in letterhead.headers.items():
        if not isinstance(name, str) or not HEADER.fullmatch(name) or not isinstance(value, str):
            yield f"the header {name!r} must be a text under a name of letters, digits and -"
        elif name.lower() in OURS or name.lower().startswith("content-"):
            yield f"the header {name!r} is the channel's own, or has a field of its own (sender, reply_to, cc)"
