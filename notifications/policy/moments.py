"""Which moments can be kept: each must be one in every time zone, or no page could show it. Pure Python."""

from datetime import MAXYEAR, MINYEAR, datetime


def moment_problem(moment: object) -> str:
    """Why `moment` cannot be kept, to follow its name; an empty text if it can."""
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        return "must be a datetime with a time zone."
    if not MINYEAR < moment.year < MAXYEAR:
        return f"must lie in the years {MINYEAR + 1} to {MAXYEAR - 1}; leave it out for never."
    return ""
