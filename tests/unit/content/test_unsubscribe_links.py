"""Links for unsubscribing: signed, for ever, for reminders alone."""

import pytest
from pytest_django import Settings

from notifications.content.unsubscribe_links import InvalidLink, Subscription, link_for, read
from notifications.kinds import Purpose

REMINDERS = Subscription(7, "email", Purpose.REMINDER)


@pytest.fixture(autouse=True)
def public_address(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://book.example.org"


def token_of(link: str) -> str:
    return link.rstrip("/").rpartition("/")[2]


def test_a_link_reads_back_as_what_it_ends_and_is_the_same_each_time() -> None:
    link = link_for(REMINDERS)
    assert link.startswith("https://book.example.org/")
    assert link == link_for(REMINDERS)
    assert read(token_of(link)) == REMINDERS


def test_there_is_no_link_for_a_confirmation_or_without_an_address(settings: Settings) -> None:
    assert link_for(REMINDERS._replace(purpose=Purpose.TRANSACTIONAL)) == ""
    settings.PUBLIC_URL = ""
    assert link_for(REMINDERS) == ""


def test_a_token_that_was_changed_is_no_link_of_ours() -> None:
    token = token_of(link_for(REMINDERS))
    others = token_of(link_for(REMINDERS._replace(recipient_id=8)))
    mixed = others.rpartition(":")[0] + ":" + token.rpartition(":")[2]
    for forged in ("", "x", token[:-1], mixed):
        with pytest.raises(InvalidLink):
            read(forged)
