"""Addresses are left out of what providers say, and shown to staff by a hint that tells nobody what they are (G12)."""

import pytest

from notifications.policy.masking import MOST_CHARACTERS, hint, masked
from tests.stage.providers import PHONE


def test_a_hint_tells_no_address() -> None:
    assert [hint(address) for address in ("+14155550123", "anna@example.com", "")] == [
        "+1415…23",
        "a…@example.com",
        "none",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Invalid 'To' Phone Number: {PHONE}", "Invalid 'To' Phone Number: …"),
        ("call (415) 555-2671 or 0171 2345678", "call (… or …"),
        ("<asha@example.com>: unknown; ask o.k@example.org", "<…>: unknown; ask …"),
        ("5.1.1 error 21211, see 30005", "5.1.1 error 21211, see 30005"),
        ("over\r\nseveral\tlines", "over several lines"),
        ("", ""),
    ],
)
def test_what_looks_like_an_address_is_left_out(text: str, expected: str) -> None:
    assert masked(text, "") == expected


def test_the_recipients_own_address_is_left_out_whatever_it_looks_like() -> None:
    assert masked("no mailbox nobody here", "nobody") == "no mailbox … here"


def test_what_is_kept_is_short() -> None:
    assert len(masked("word " * 100_000, "asha@example.com")) == MOST_CHARACTERS


def test_an_address_on_the_edge_of_what_is_kept_does_not_survive_in_part() -> None:
    assert "+1415" not in masked("x " * 147 + PHONE, PHONE)


@pytest.mark.parametrize("filler", [" ", "\r\n", "a@example.com ", "+14155550199 "])
@pytest.mark.parametrize("address", [PHONE, "(415) 555-2671", "annabel.lee@example.com"])
def test_nor_does_one_on_the_edge_of_what_is_read(address: str, filler: str) -> None:
    """Blanks and other addresses shrink: the edge of what is read may come to lie within what is kept."""
    parts = {address[:length] for length in range(3, len(address))}
    for place in range(10 * MOST_CHARACTERS - len(address), 10 * MOST_CHARACTERS):
        padding = (filler * 10 * MOST_CHARACTERS)[: place - 1] + " "
        kept = masked(f"{padding}{address} is unknown", "")
        assert not any(part in kept for part in parts)
