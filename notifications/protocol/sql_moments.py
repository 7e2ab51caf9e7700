"""How a statement that writes reckons with moments, so that Citus runs it too.

Citus refuses functions whose answer may change in some places of a statement that writes: VOLATILE ones everywhere in
an UPDATE, and STABLE ones within CASE, COALESCE, RETURNING and ON CONFLICT, or applied to a column. The statement's
own moment is STABLE, and so is `timestamptz + interval`, because a day's length depends on the session's time zone.
https://docs.citusdata.com/en/stable/reference/common_errors.html
"""

from typing import LiteralString

# Stands in a FROM: `clock.now` is the statement's moment, and allowed where the function itself is not.
CLOCK: LiteralString = "statement_timestamp() AS clock (now)"


def after(moment: LiteralString, seconds: LiteralString) -> LiteralString:
    """The moment so many `seconds` after another, an IMMUTABLE expression: it is reckoned in UTC."""
    return later(moment, f"({seconds}) * interval '1s'")


def later(moment: LiteralString, interval: LiteralString) -> LiteralString:
    """As `after`, by an interval."""
    return f"({moment} AT TIME ZONE 'UTC' + {interval}) AT TIME ZONE 'UTC'"
