"""Forms of the admin, as a browser sends them back: with all that they showed."""

from html.parser import HTMLParser
from typing import Any

from django.test import Client


class _Fields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.data: dict[str, Any] = {}
        self._select = self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        words = dict(attrs)
        name, value = words.get("name") or "", words.get("value") or ""
        if tag == "input" and name and words.get("type") not in ("submit", "button", "image"):
            if words.get("type") not in ("checkbox", "radio") or "checked" in words:
                self._add(name, value if "value" in words or words.get("type") != "checkbox" else "on")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in words:
            self._add(self._select, value)
        elif tag == "textarea":
            self._textarea = name
            self.data[name] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        if tag == "textarea":
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.data[self._textarea] += data

    def _add(self, name: str, value: str) -> None:
        if name in self.data:
            before = self.data[name]
            self.data[name] = [*(before if isinstance(before, list) else [before]), value]
        else:
            self.data[name] = value


def form_at(client: Client, address: str, *, reason: str = "as they asked") -> dict[str, Any]:
    """What a browser would send if somebody gave a reason and pressed Save at once."""
    answer = client.get(address)
    assert answer.status_code == 200, answer
    return fields_of(answer.content.decode(), reason=reason)


def fields_of(page: str, *, reason: str = "as they asked") -> dict[str, Any]:
    """What the page's forms would send, with this reason and without their CSRF token."""
    fields = _Fields()
    fields.feed(page)
    if "reason" in fields.data:
        fields.data["reason"] = reason
    return {name: value for name, value in fields.data.items() if name not in ("csrfmiddlewaretoken", "next")}
