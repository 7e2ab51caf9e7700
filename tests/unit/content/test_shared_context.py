"""What OUTBOX_CONTEXT adds to every message's context: the project's own words, below the message's."""

import pytest

from notifications import outbox
from notifications.content.compose import Form, Reader, put_into_words
from notifications.content.rendering import RenderingError

FORM = Form("sms", {"text": "shared.txt"})
READER = Reader(0, "en", "UTC")


def shop(message: outbox.Facts) -> dict[str, str]:
    return {"shop": "Kayaks.example", "title": "ours", "url": f"https://kayaks.example/{message.context['number']}"}


def failing(message: outbox.Facts) -> dict[str, str]:
    raise KeyError("number")


def _worded(context: dict[str, object]) -> str:
    return put_into_words("test.shared", context, form=FORM, reader=READER).parts["text"]


def test_it_is_the_projects_own_words_and_the_messages_come_first(settings) -> None:
    settings.OUTBOX_CONTEXT = f"{__name__}.shop"
    said = _worded({"title": "see evil.example", "number": 7})
    assert said == "Kayaks.example: see evil. example, https://kayaks.example/7"


def test_what_its_function_raises_is_an_error_that_names_the_setting(settings) -> None:
    settings.OUTBOX_CONTEXT = f"{__name__}.failing"
    with pytest.raises(RenderingError, match=r"OUTBOX_CONTEXT: KeyError"):
        _worded({"title": "a", "number": 7})
