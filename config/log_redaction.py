"""Keeps personal data and secrets out of the log, whoever writes to it (G12).

Our own events hold ids and codes only; this is for what others say: an error of PostgreSQL that quotes the row, a
library that logs an address, a request's query. What is recognised is replaced by "…":

- email addresses, international phone numbers, Twilio's account numbers, the query of an address, and the secret part
  of a link that works without a login;
- in a traceback everything but the frames and each error's first line, and there whatever is quoted, unless it is a
  name from the code: PostgreSQL and Django quote values, and an error's words may go on for lines;
- in logged SQL all literals and parameters.
"""

import re

MOST_CHARACTERS = 500  # of an error's words

_EMAIL = re.compile(r"[^\s<>:;,\"'()=/]+@[^\s<>:;,\"'()]+\.[^\s<>:;,\"'()]+")
_PHONE = re.compile(r"(?:\+|%2B)[1-9]\d(?:[\s().-]{0,2}\d){5,13}", re.IGNORECASE)
_ACCOUNT = re.compile(r"\bAC[0-9a-fA-F]{32}\b")
_QUERY = re.compile(r"\?[^\s\"'<>?]*=[^\s\"'<>]*")
_LINK = re.compile(r"(/(?:unsubscribe|media|password/reset|confirm-email)/)[^\s\"'<>?]+")
_SHORT_LINK = re.compile(r"(/[bcu]/)[a-z0-9]+-[\w-]{12}")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|“[^”]*”|`[^`]*`")
_NAME_IN_CODE = re.compile(r"[\"'“`][a-z_][a-z0-9_.]*[\"'”`]")
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_PARAMETERS = re.compile(r"; args=.*; alias=|; \(params .*\)", re.DOTALL)

_TRACEBACK = "Traceback (most recent call last):"
_FRAME = re.compile(r"\s+File \".*\", line \d+")
_BETWEEN = re.compile(rf"\s*$|{re.escape(_TRACEBACK)}$|The above exception was|During handling of the above")
_ERROR = re.compile(
    r"(?:[a-z_]\w*(?:\.\w+)+|[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Iteration|Warning|Group))(?::|$)"
)


def discreet(text: str) -> str:
    """What may be logged of `text`."""
    if _TRACEBACK in text and text != _TRACEBACK:
        return _discreet_traceback(text)
    for pattern in (_EMAIL, _PHONE, _ACCOUNT):
        text = pattern.sub("…", text)
    return _SHORT_LINK.sub(r"\1…", _LINK.sub(r"\1…", _QUERY.sub("?…", text)))


def discreet_sql(text: str) -> str:
    """A logged statement without its values."""
    return _LITERAL.sub("'…'", _PARAMETERS.sub("; alias=", text))


def _discreet_traceback(text: str) -> str:
    first, *others = text.replace(_TRACEBACK, f"\n{_TRACEBACK}").strip("\n").splitlines()
    kept, is_code = [_discreet_words(first)], False
    for line in others:
        is_frame = bool(_FRAME.match(line))
        is_code = is_frame or (is_code and line.startswith("    "))
        if is_code or _BETWEEN.match(line):
            kept.append(line)
        elif _ERROR.match(line):
            kept.append(_discreet_words(line))
    return "\n".join(kept)


def _discreet_words(line: str) -> str:
    line = line[:MOST_CHARACTERS]
    return discreet(_QUOTED.sub(lambda found: found[0] if _NAME_IN_CODE.fullmatch(found[0]) else "'…'", line))
