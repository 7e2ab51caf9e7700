"""Masks links of ours in what staff read: whoever has one may do what it opens, and staff act under their own name.

Pure Python. All that follows the first part of a link's path is left out, whatever it is: a key may stand anywhere.
"""

import re
from functools import lru_cache

MASK = "…"


def without_links(text: str, *, site: str) -> str:
    """`text` with each link to `site`, a public address without a slash at its end, cut after the path's first part."""
    return _link_to(site).sub(rf"\1{MASK}", text) if site and site in text else text


@lru_cache(8)
def _link_to(site: str) -> re.Pattern[str]:
    """A link that has more than one part; the first ends with a slash, or where a query begins."""
    return re.compile(rf"({re.escape(site)}(?:/[^/?#\s\"'<>]*)?[/?#])[^\s\"'<>]+")
