"""What somebody typed stays what they typed: no template, no folder, no header, no second line in a log."""

import json
import logging
from typing import Any

import pytest
from django.test import Client

from config.logs import JsonLines
from notifications.content.rendering import languages, render
from tests.factories.bookings import CustomerFactory, client_of

PARTS = {"text": "sms.txt", "subject": "subject.txt", "html": "email.html"}
TYPED = [
    "{{ name.__class__ }}",
    "{% debug %}",
    "{% include 'admin/base' %}",
    "${7*7} #{7*7} {7*7}",
    "%(name)s %s %n",
    "{0.__class__.__mro__}",
]


def words(name: str) -> dict[str, str]:
    return render("test.greeting", PARTS, {"name": name}, locale="en", time_zone="UTC")


@pytest.mark.parametrize("typed", TYPED)
def test_a_template_that_somebody_typed_is_text(typed: str) -> None:
    assert typed in words(typed)["text"]


def test_markup_that_somebody_typed_is_text_in_an_email_and_a_line_break_ends_no_subject() -> None:
    written = words("<script>alert(1)</script>\r\nBcc: all@example.com\u2028x")

    assert "<script" not in written["html"]
    assert len(written["subject"].splitlines()) == 1


@pytest.mark.parametrize("locale", ["../../admin", "..", "de/../../etc", "de\\..", "%2e%2e", "/etc", ""])
def test_a_language_is_no_path(locale: str) -> None:
    assert all(folder.replace("-", "").isalnum() for folder in languages(locale))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("locale", ["../../admin", "xx/../..", "{{ 7 }}"])
def test_a_language_that_is_none_is_not_taken(locale: str) -> None:
    answer = client_of(CustomerFactory()).patch("/api/me/", {"locale": locale}, format="json")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


FORGED = '/nowhere/%0d%0a2026-01-01 INFO forged%1b[2J\u2028{"level": "INFO"}'


def test_a_line_of_the_log_is_one_line_whatever_was_asked_for() -> None:
    formatter = JsonLines()
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(formatter.format(record))

    handler, logger = Kept(), logging.getLogger("django.request")
    logger.addHandler(handler)
    try:
        Client().get(FORGED, headers={"User-Agent": "a\r\nb", "X-Request-ID": "x\r\ny"})
    finally:
        logger.removeHandler(handler)

    (line,) = lines
    assert len(line.split("\n")) == len(line.split("\r")) == 1
    assert "\x1b" not in line
    said: dict[str, Any] = json.loads(line)
    assert (said["level"], said["logger"]) == ("WARNING", "django.request")
