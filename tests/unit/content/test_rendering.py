"""Words: strict, in the recipient's language and zone, escaped where they are HTML."""

from pathlib import Path

import pytest
from pytest_django import Settings

from notifications.content import rendering
from notifications.content.rendering import RenderingError, render

TEMPLATES = {
    "plain.txt": "Hello {{ name }}, {{ amount|money:currency }} on {{ at|local }}",
    "rich.html": "<p>{{ name }}</p>",
    "loop.txt": "{% for seat in seats %}{{ seat.row }} {% endfor %}",
    "broken.txt": "{% if %}",
    "hello.txt": "Hello {{ name }}",
    "pt/hello.txt": "Olá {{ name }}",
    "pt-br/bye.txt": "Tchau {{ name }}",
    "bye.txt": "Bye {{ name }}",
    "django.txt": "{% load i18n %}{% translate 'Yes' %} {{ at|local }}",
}


@pytest.fixture(autouse=True)
def templates(tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "notifications" / "a.kind"
    folder.mkdir(parents=True)
    for name, text in TEMPLATES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("{% load notifications %}" + text)
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    rendering.forget_templates()
    yield
    rendering.forget_templates()


def words(template: str, *, locale: str = "en", time_zone: str = "UTC", **context: object) -> str:
    return render("a.kind", {"text": template}, context, locale=locale, time_zone=time_zone)["text"]


WHEN = {"name": "Ann", "at": "2026-12-01T17:00:00+00:00"}


@pytest.mark.parametrize(
    ("locale", "zone", "amount", "currency", "text"),
    [
        ("en", "UTC", 1250, "EUR", "Hello Ann, €12.50 on Tue, Dec 1, 2026, 5:00 PM UTC"),
        ("de", "Europe/Berlin", 1250, "EUR", "Hello Ann, 12,50 € on Di., 1. Dez. 2026, 18:00 MEZ"),
        ("en-gb", "America/New_York", 1250, "EUR", "Hello Ann, €12.50 on Tue, 1 Dec 2026, 12:00 EST"),
        ("de", "America/New_York", 1250, "EUR", "Hello Ann, 12,50 € on Di., 1. Dez. 2026, 12:00 GMT-5"),
        ("de", "Asia/Kolkata", 1250, "EUR", "Hello Ann, 12,50 € on Di., 1. Dez. 2026, 22:30 GMT+5:30"),
        ("de", "Europe/London", 1250, "EUR", "Hello Ann, 12,50 € on Di., 1. Dez. 2026, 17:00 GMT"),
        ("en", "Asia/Kolkata", 125000, "INR", "Hello Ann, ₹1,250.00 on Tue, Dec 1, 2026, 10:30 PM IST"),
        ("en", "UTC", 1250, "JPY", "Hello Ann, ¥1,250 on Tue, Dec 1, 2026, 5:00 PM UTC"),
        ("en", "UTC", 1250, "KWD", "Hello Ann, KWD1.250 on Tue, Dec 1, 2026, 5:00 PM UTC"),
        ("en", "UTC", 125000, "RSD", "Hello Ann, RSD1,250 on Tue, Dec 1, 2026, 5:00 PM UTC"),
        ("en", "UTC", 125050, "RSD", "Hello Ann, RSD1,250.50 on Tue, Dec 1, 2026, 5:00 PM UTC"),
        ("de", "UTC", 125050, "IQD", "Hello Ann, 125,050 IQD on Di., 1. Dez. 2026, 17:00 UTC"),
    ],
)
def test_money_and_moments_are_written_as_the_recipient_writes_them(
    locale: str, zone: str, amount: int, currency: str, text: str
) -> None:
    assert words("plain.txt", locale=locale, time_zone=zone, amount=amount, currency=currency, **WHEN) == text


def test_templates_may_build_on_each_other(tmp_path: Path) -> None:
    """Inheritance, inclusion and tags with a memory need more of a context than its values."""
    folder = tmp_path / "notifications" / "a.kind"
    (folder / "base.txt").write_text(
        "{% block greeting %}Hello {{ name }}{% endblock %}{% block seats %}{% endblock %}!"
    )
    (folder / "seat.txt").write_text(" {{ seat }}{{ name }}")
    (folder / "letter.txt").write_text(
        "{% extends 'notifications/a.kind/base.txt' %}{% block greeting %}{{ block.super }}:{% endblock %}"
        "{% block seats %}{% for seat in seats %}{% cycle ' left' ' right' %}"
        "{% include 'notifications/a.kind/seat.txt' with name='' %}{% endfor %}{% endblock %}"
    )
    for _ in range(2):  # nothing is left of the first letter in the second
        assert words("letter.txt", name="Ann", seats=["A1", "A2", "A3"]) == "Hello Ann: left A1 right A2 left A3!"


def test_html_is_escaped_and_text_is_not() -> None:
    assert words("rich.html", name="<b>O'Hara</b>") == "<p>&lt;b&gt;O&#x27;Hara&lt;/b&gt;</p>"
    assert words("plain.txt", **WHEN | {"name": "O'Hara <3"}, amount=1, currency="EUR").startswith("Hello O'Hara <3,")


@pytest.mark.parametrize(
    ("template", "context", "reason"),
    [
        ("rich.html", {}, "the context has no name"),
        ("loop.txt", {"seats": [{"row": 1}, {}]}, "the context has no seat.row"),
        ("broken.txt", {}, "TemplateSyntaxError"),
        ("missing.txt", {}, "TemplateDoesNotExist"),
        ("plain.txt", {"name": "Ann", "amount": "much", "currency": "EUR", "at": "now"}, "plain.txt"),
    ],
)
def test_what_does_not_render_says_why(template: str, context: dict[str, object], reason: str) -> None:
    with pytest.raises(RenderingError, match=reason):
        words(template, **context)


@pytest.mark.parametrize(
    ("locale", "hello", "bye"),
    [
        ("pt-br", "Olá Ann", "Tchau Ann"),
        ("pt-BR", "Olá Ann", "Tchau Ann"),
        ("pt", "Olá Ann", "Bye Ann"),
        ("de", "Hello Ann", "Bye Ann"),
        ("en", "Hello Ann", "Bye Ann"),
    ],
)
def test_words_are_taken_from_the_closest_language_there_is(locale: str, hello: str, bye: str) -> None:
    assert (words("hello.txt", locale=locale, name="Ann"), words("bye.txt", locale=locale, name="Ann")) == (hello, bye)


def test_djangos_own_translations_speak_the_recipients_language() -> None:
    assert words("django.txt", locale="de", **WHEN) == "Ja Di., 1. Dez. 2026, 17:00 UTC"


def test_what_was_typed_is_harmless_in_text_and_html() -> None:
    name = "<a href='http://evil.example'>\nBcc: x@y.com"
    assert words("hello.txt", name=name) == "Hello <a href='http: //evil. example'> Bcc: x@y. com"
    assert "&lt;a href=" in words("rich.html", name=name)
    assert "http://" not in words("rich.html", name=name)


@pytest.mark.parametrize("locale", ["../../etc", "de/../..", ""])
def test_a_locale_is_no_path(locale: str) -> None:
    assert rendering.languages(locale) in ([], [""])
