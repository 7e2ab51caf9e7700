"""What somebody reads on a page, or hears of it: each text, label and value that a script shows."""

import json
from collections.abc import Iterator
from html.parser import HTMLParser

SAID = ("alt", "aria-label", "placeholder", "title", "data-plan")
UNSEEN = ("style", "svg")


class VisibleWords(HTMLParser):
    """Collects them while it is fed a page."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._in: list[str] = []
        self._is_data = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in.append(tag)
        given = dict(attrs)
        self._is_data = tag == "script" and given.get("type") == "application/json"
        self.words += [given[name] or "" for name in SAID if name in given]
        if tag == "option" and "/" in (given.get("value") or ""):
            self._in[-1] = "style"  # a time zone: the name of a place

    def handle_endtag(self, tag: str) -> None:
        if self._in:
            self._in.pop()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._in.pop()

    def handle_data(self, data: str) -> None:
        inside = self._in[-1] if self._in else ""
        if inside == "script":
            self.words += _texts(json.loads(data)) if self._is_data else []
        elif inside not in UNSEEN:
            self.words.append(data)


def _texts(said: object) -> Iterator[str]:
    if isinstance(said, dict):
        for each in said.values():
            yield from _texts(each)
    elif isinstance(said, str):
        yield said


def visible_words(html: str) -> set[str]:
    """The words of the page, without those that have no letter."""
    reader = VisibleWords()
    reader.feed(html)
    texts = {" ".join(each.split()) for each in reader.words}
    return {text for text in texts if any(letter.isalpha() for letter in text)}
