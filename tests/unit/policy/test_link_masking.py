"""Staff read which page a link leads to, and not what opens it."""

import pytest

from notifications.policy.link_masking import without_links

SITE = "https://book.example.com/app"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"See {SITE}/b/1a-Xy_z.", f"See {SITE}/b/…"),
        (f'<a href="{SITE}/webhooks/unsubscribe/abc:def/">no</a>', f'<a href="{SITE}/webhooks/…">no</a>'),
        (f"{SITE}/b/1/ and {SITE}/u/2?x=3#y,", f"{SITE}/b/… and {SITE}/u/…"),
        (f"{SITE}?key=abc", f"{SITE}?…"),
        (f"{SITE}/?key=abc", f"{SITE}/?…"),
        (f"{SITE}//b/1", f"{SITE}//…"),
        (f"{SITE}/b?key=abc", f"{SITE}/b?…"),
        (f"Visit {SITE}/ or {SITE} today", f"Visit {SITE}/ or {SITE} today"),
        ("https://maps.example/b/1a-Xy", "https://maps.example/b/1a-Xy"),
    ],
)
def test_a_link_of_ours_is_cut(text: str, shown: str) -> None:
    assert without_links(text, site=SITE) == shown


def test_without_a_public_address_there_is_no_link_of_ours() -> None:
    assert without_links("/b/1 https://x.example/b/1", site="") == "/b/1 https://x.example/b/1"
