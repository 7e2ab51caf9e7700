"""What somebody typed: readable as before, and neither a link nor markup nor a header."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.content.sanitize import (
    CONTROLS,
    HOST,
    INVISIBLE,
    IPV4,
    SCHEME,
    plain,
    sanitize,
    without_whatsapp_markup,
)

LINK = re.compile(r"[a-z][a-z0-9+.-]*://\S|www\.\S|\S\.[^\W\d_]{2}", re.IGNORECASE)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Click http://evil.example", "Click http: //evil. example"),
        ("WWW.Evil.COM/x?y=1", "WWW. Evil. COM/x?y=1"),
        ("me@evil.com", "me@evil. com"),
        ("пример.рф", "пример. рф"),
        ("evil\u3002com", "evil\u3002 com"),
        ("tel:evil javascript:alert(1)", "tel: evil javascript: alert(1)"),
        ("10.0.0.1/x", "10. 0. 0. 1/x"),
        ("Ann\r\nBcc: all@example.com", "Ann Bcc: all@example. com"),
        ("Ann\u2028two\x00lines", "Ann two lines"),
        ("\u202etxet\u202c\u200b\ufeff", "txet"),
        ("e\u200bvil\u200b.c\u200bom", "evil. com"),
    ],
)
def test_links_lines_and_invisible_characters_are_taken_out(typed: str, shown: str) -> None:
    assert plain(typed) == shown


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "Anna-Lena O'Hara",
            "J.R.R. Tolkien",
            "Dr. Müller",
            "St. John's (12+)",
            "Yoga: morning",
            "9:30",
            "12.50",
            "v1.2",
        ),
        *("2026-12-01T17:00:00.123456+00:00", "sold_out", "EUR", "", "👩\u200d🚀", "\u0646\u06cc\u0645\u200c\u0641"),
    ],
)
def test_ordinary_names_and_codes_stay_as_they_are(typed: str) -> None:
    assert plain(typed) == typed


@given(st.text())
def test_whatever_is_typed_holds_no_link_afterwards_and_is_one_line(typed: str) -> None:
    shown = plain(typed)
    assert not LINK.search(shown)
    assert len(shown.splitlines()) <= 1


@given(st.text(st.one_of(st.sampled_from("a1.:/ \u3002\u200b\x7f\x1f"), st.characters())))
def test_what_is_not_searched_would_have_been_found_plain(typed: str) -> None:
    searched = INVISIBLE.sub("", CONTROLS.sub(" ", typed))
    searched = HOST.sub(r"\1 ", SCHEME.sub(r"\1: ", searched))
    assert plain(typed) == IPV4.sub(r"\1. \2. \3. \4", searched)


@pytest.mark.parametrize("typed", ["*bold*", "_italic_", "~gone~", "```code```", "`code`", "a *b* _c_"])
def test_whatsapp_markup_is_letters(typed: str) -> None:
    assert not re.search(r"[*~`]|(?<!\w)_|_(?!\w)", without_whatsapp_markup(typed))


def test_codes_stay_codes_on_whatsapp() -> None:
    assert without_whatsapp_markup("sold_out") == "sold_out"


def test_everything_in_a_context_is_treated_but_for_links_of_ours() -> None:
    context = {"name": "a.com", "seats": [{"row": "b.com"}], "n": 7, "url": "https://ours.example/x", "no": None}
    assert sanitize(context, links={"url"}, sanitizer=str.upper) == {
        "name": "A. COM",
        "seats": [{"row": "B. COM"}],
        "n": 7,
        "url": "https://ours.example/x",
        "no": None,
    }
