"""How long a mail server asks us to wait, read from the words of its answer. Pure Python.

No standard says how to write it; greylisting servers (Postgrey, milter-greylist, rspamd, SQLgrey, Exchange) write it in
these ways. Over HTTP, the header Retry-After says it: `retry_after`.
"""

import re

LEAST_SECONDS, MOST_SECONDS = 1.0, 24 * 3600.0

_ASKS = r"(?:again|retry|retries|back|wait|delay|delayed|defer\w*|gr[ea]y-?list\w*|resume|resend|later|blocked)"
_CLOCK = re.compile(rf"\b{_ASKS}\b[^\d]{{0,60}}(\d{{1,2}}):(\d{{2}}):(\d{{2}})\b", re.IGNORECASE)
_NUMBER = r"\d+(?:[.,]\d+)?"
_RANGE = rf"(?:{_NUMBER}\s*[-\u2013]\s*)?"  # of 10-15 minutes the longer
_SPAN = re.compile(rf"\b{_ASKS}\b[^\d]{{0,60}}{_RANGE}((?:{_NUMBER}\s*[a-z]+[\s,]*(?:and\s+)?)+)", re.IGNORECASE)
_PART = re.compile(rf"({_NUMBER})\s*(d|h|m|s)(?:ays?|ours?|rs?|ins?|inutes?|ecs?|econds?)?(?![a-z])", re.IGNORECASE)
_BARE = re.compile(r"\bretry[-_ ]?after[:= ]+(\d+)\b(?!\s*[a-z:])", re.IGNORECASE)
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def stated_delay(words: str) -> float | None:
    """The seconds that `words` ask us to wait, at most a day; None if they name no time."""
    seconds = _stated(words)
    return min(max(seconds, LEAST_SECONDS), MOST_SECONDS) if seconds is not None else None


def _stated(words: str) -> float | None:
    if clock := _CLOCK.search(words):
        hours, minutes, seconds = map(float, clock.groups())
        return hours * 3600 + minutes * 60 + seconds
    for span in _SPAN.finditer(words):
        if parts := _PART.findall(span[1]):
            return sum(float(number.replace(",", ".")) * _SECONDS[unit.lower()] for number, unit in parts)
    if bare := _BARE.search(words):
        return float(bare[1])
    return None
