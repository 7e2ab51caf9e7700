"""Removes links, line breaks, markup and invisible characters from text that users typed. Pure Python.

A customer called "Click http://evil.example" must not put a link into our SMS, a title with a line break must not add a
header to our email, and invisible characters must not reverse the order of our words. What users typed stays readable:

    Click http://evil.example   →  Click http: //evil. example      phones and mail programs make no link of it
    Ann⏎Bcc: all@example.com    →  Ann Bcc: all@example. com        one line
    *urgent*                    →  other asterisks                  on WhatsApp, whose markup these are

HTML is left to the template engine, which escapes it.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

Sanitizer = Callable[[str], str]

# Line breaks of any kind, and other control characters (Unicode's Cc, and its line and paragraph separators).
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# Characters that change the direction of the text after them, or that are invisible: bidirectional controls (UAX #9),
# zero-width spaces, word joiners, fillers and tags. Not U+200C and U+200D, which Persian, Hindi and emoji need.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\U000e0000-\U000e007f]+"
)
# What phones make a link of: a scheme, or a dot (or one of IDNA's other dots) before a name of two letters or more.
SCHEME = re.compile(r"\b([a-z][a-z0-9+.-]{1,20}):(?=/|[^\s\d])", re.IGNORECASE)
HOST = re.compile(r"(?<=\S)([.\u3002\uff0e\uff61])(?=[^\W\d_]{2})")
IPV4 = re.compile(r"\b(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\b")
EDGE_UNDERSCORE = re.compile(r"(?<!\w)_|_(?!\w)")


def plain(text: str) -> str:
    """`text` on one line, without links and invisible characters.

    Most texts are plain already, and a cheap test shows it. The searches take as long as rendering a template.
    """
    is_ascii = text.isascii()
    if not (is_ascii and text.isprintable()):
        text = INVISIBLE.sub("", CONTROLS.sub(" ", text))
    if ":" in text:
        text = SCHEME.sub(r"\1: ", text)
    if "." in text or not is_ascii:  # other dots than this one are not ASCII
        text = HOST.sub(r"\1 ", text)
        text = IPV4.sub(r"\1. \2. \3. \4", text)
    return text


def without_whatsapp_markup(text: str) -> str:
    """`plain` text that WhatsApp shows as it was typed, without making *bold*, _italic_, ~struck~ or `code` of it.

    https://faq.whatsapp.com/539178204879377. Lists and quotes need the start of a line, where such a text never stands.
    """
    text = text.replace("*", "\u2217").replace("~", "\u223c").replace("`", "\u02cb")
    return EDGE_UNDERSCORE.sub("\uff3f", text)


def sanitize(context: Mapping[str, Any], *, links: Collection[str] = (), sanitizer: Sanitizer = str) -> dict[str, Any]:
    """`context` with its texts made `plain` and given to `sanitizer`; the values under `links` are our own and stay."""
    return {key: value if key in links else _sanitized(value, sanitizer) for key, value in context.items()}


def _sanitized(value: Any, sanitizer: Sanitizer) -> Any:
    if isinstance(value, str):
        return sanitizer(plain(value))
    if isinstance(value, dict):
        return {key: _sanitized(each, sanitizer) for key, each in value.items()}
    if isinstance(value, list):
        return [_sanitized(each, sanitizer) for each in value]
    return value
