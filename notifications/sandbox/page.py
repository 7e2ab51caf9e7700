"""The sandbox's inbox: the latest received messages, newest first, for people with a wide screen or a phone.

What came from outside is escaped. An email's HTML is shown in a frame that runs no scripts and loads nothing.
"""

import re
from html import escape, unescape
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from notifications.sandbox.journal import Journal

MOST_SHOWN = 200
MOST_SEARCHED = 20_000
# Nothing is loaded but what came with the messages; the frames of emails are bound by this, too.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-src 'self'; form-action 'self'"
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"  # of frames: links open beside them, and nothing runs
CHANNELS = {"sms": "SMS", "whatsapp": "WhatsApp", "email": "Email", "webpush": "Web push"}
_IMAGE = re.compile(r"(?<=[\"'])cid:([^\"'<>\s]+)")  # of an email, that its HTML shows
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Inbox of the provider sandbox</title>
<link rel="icon" href="data:,">
<style>
  :root {{ color-scheme: light dark; --ground: #f6f6f3; --card: #fff; --text: #1d2126; --quiet: #59626c;
    --line: #d4d8dc; --accent: #0b5cad; --bad: #b3261e }}
  @media (prefers-color-scheme: dark) {{ :root {{ --ground: #15181c; --card: #1e2329; --text: #e8eaed; --quiet: #a3adb8;
    --line: #39414a; --accent: #8ab8f2; --bad: #ff9b93 }} }}
  * {{ box-sizing: border-box }}
  body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 0 auto; padding: 1rem;
    background: var(--ground); color: var(--text) }}
  a {{ color: var(--accent) }}
  form {{ display: flex; gap: .5rem; flex-wrap: wrap; align-items: end; margin: 1rem 0 }}
  label {{ flex: 1 1 12rem; font-weight: 600 }}
  input, button {{ font: inherit; width: 100%; min-height: 2.75rem; padding: .5rem .75rem; border-radius: .375rem;
    border: 1px solid var(--quiet); background: var(--card); color: var(--text) }}
  button {{ width: auto; background: var(--accent); color: var(--ground); border: 0; font-weight: 600 }}
  ol {{ list-style: none; padding: 0; display: grid; gap: .75rem }}
  li {{ background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem }}
  .facts {{ color: var(--quiet); font-size: .9rem; margin: 0; display: flex; flex-wrap: wrap; gap: 0 1rem }}
  .facts strong {{ color: var(--text) }}
  h2 {{ font-size: 1.05rem; margin: .25rem 0 }}
  .text {{ white-space: pre-wrap; overflow-wrap: anywhere; margin: .25rem 0 0 }}
  .refused {{ color: var(--bad) }}
  summary {{ cursor: pointer; color: var(--accent); min-height: 2.75rem; padding: .5rem 0 }}
  iframe {{ width: 100%; height: 34rem; border: 1px solid var(--line); border-radius: .375rem; background: #fff }}
</style>
<main>
<h1>Inbox of the sandbox</h1>
<p>{state} What was sent to anybody arrives here; nothing left this machine.</p>
<form><label>Only to
<input name="to" value="{to}" placeholder="an address, or a part of it" autocapitalize="none"></label>
<button>Show</button></form>
<p>{count} <a href="?{query}">Look again</a></p>
<ol>
{rows}
</ol>
</main>
</html>
"""


def render_page(journal: Journal, *, is_down: bool, to: str = "") -> str:
    """The page; with `to`, only what went to an address that holds it."""
    wanted = to.strip().casefold()
    searched = islice(journal.newest_first(), MOST_SEARCHED)
    matching = (attempt for attempt in searched if wanted in attempt.to.casefold())
    attempts = [attempt.as_json() for attempt in islice(matching, MOST_SHOWN)]
    state = "It plays dead: everything is refused." if is_down else "It is up."
    count = f"The newest {len(attempts)} messages." if attempts else "Nothing has arrived yet."
    query = f"to={escape(to)}" if wanted else ""
    return _PAGE.format(state=state, count=count, to=escape(to), query=query, rows="\n".join(map(_row, attempts)))


def _row(attempt: dict[str, Any]) -> str:
    answered = attempt["answered"] or "cut"
    what = f"answered {answered}" if attempt["accepted"] else f"answered {answered}, not accepted"
    kind = "accepted" if attempt["accepted"] else "refused"
    facts = (
        f"<strong>{escape(CHANNELS.get(attempt['channel'], attempt['channel']))}</strong>",
        f"<span>to {escape(attempt['to'])}</span>",
        f"<span>{escape(attempt['received_at'][11:19])} UTC</span>",
        f'<span class="{kind}">{escape(what)}</span>',
    )
    title = f"<h2>{escape(attempt['subject'])}</h2>" if attempt.get("subject") else ""
    text, said = _linked(attempt["body"]), " ".join(facts)
    return f'<li><p class="facts">{said}</p>{title}<p class="text">{text}</p>{_files(attempt)}{_frame(attempt)}</li>'


def _linked(text: str) -> str:
    """The text, escaped, with its links to follow."""
    return _LINK.sub(lambda found: _anchor(found[0]), escape(text, quote=False))


def _anchor(escaped: str) -> str:
    address = escape(unescape(escaped))
    return f'<a href="{address}" target="_blank" rel="noopener noreferrer">{escaped}</a>'


def _files(attempt: dict[str, Any]) -> str:
    """The attachments, each to be saved."""
    links = [
        f'<a href="{_address(attempt, name=file["name"])}" download>{escape(file["name"])}</a> '
        f"({escape(file['type'])}, {file['bytes']:,} bytes)"
        for file in attempt.get("files", ())
    ]
    return f'<p class="facts">{"".join(f"<span>{link}</span>" for link in links)}</p>' if links else ""


def _address(attempt: dict[str, Any], **which: str) -> str:
    return escape(f"/_sandbox/messages/{attempt['sequence']}/file?{urlencode(which)}")


def _frame(attempt: dict[str, Any]) -> str:
    """An email's HTML: no scripts, no forms, nothing of this page in reach; a link opens beside it."""
    if not attempt.get("html"):
        return ""
    html = _IMAGE.sub(lambda found: _address(attempt, cid=unescape(found[1])), attempt["html"])
    source, number = escape('<base target="_blank">' + html), attempt["sequence"]
    return (
        f'<details><summary>Show the HTML</summary><iframe title="Email {number}" sandbox="{SANDBOX}" loading="lazy" '
        f'referrerpolicy="no-referrer" srcdoc="{source}"></iframe></details>'
    )
