"""The sandbox's web page: the latest received messages, newest first. What came from outside is escaped."""

from html import escape
from itertools import islice
from typing import Any

from notifications.sandbox.journal import Journal

MOST_SHOWN = 200

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Provider sandbox</title>
<style>
  body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem }}
  table {{ border-collapse: collapse; width: 100% }}
  td, th {{ border-bottom: 1px solid #8884; padding: .4rem .6rem; text-align: left; vertical-align: top }}
  td:last-child {{ white-space: pre-wrap; overflow-wrap: anywhere }}
  .refused {{ color: #b00020 }}
</style>
<h1>Provider sandbox</h1>
<p>{state} The newest {count} messages; nothing here left this machine.</p>
<table>
<tr><th>#<th>received (UTC)<th>channel<th>to<th>answer<th>text</tr>
{rows}
</table>
</html>
"""


def render_page(journal: Journal, *, is_down: bool) -> str:
    attempts = [attempt.as_json() for attempt in islice(journal.newest_first(), MOST_SHOWN)]
    state = "Plays dead: everything is refused." if is_down else "Up."
    return _PAGE.format(state=state, count=len(attempts), rows="\n".join(map(_row, attempts)))


def _row(attempt: dict[str, Any]) -> str:
    answered = attempt["answered"] or "cut"
    title = f"{attempt['subject']}\n\n" if attempt.get("subject") else ""
    cells = (
        attempt["sequence"],
        attempt["received_at"][11:23],
        attempt["channel"],
        attempt["to"],
        answered if attempt["accepted"] else f"{answered}, not accepted",
        title + attempt["body"],
    )
    kind = "" if attempt["accepted"] else ' class="refused"'
    return f"<tr{kind}>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>"
