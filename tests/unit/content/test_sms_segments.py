"""SMS are charged by segment: what fits into how many, by 3GPP TS 23.038 and 23.040."""

import pytest

from notifications.content.sms_segments import BASIC, EXTENDED, Segments, segments


@pytest.mark.parametrize(
    ("text", "encoding", "length", "count"),
    [
        ("", "GSM-7", 0, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 81, "GSM-7", 162, 2),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3),  # the pair does not fit in the first segment's last place
        ("ä" * 160, "GSM-7", 160, 1),
        ("ф" * 70, "UCS-2", 70, 1),
        ("ф" * 71, "UCS-2", 71, 2),
        ("ф" * 134, "UCS-2", 134, 2),
        ("🎉" * 35, "UCS-2", 70, 1),
        ("ф" * 66 + "🎉" + "ф" * 66, "UCS-2", 134, 3),
        ("a" * 70 + "\u2019", "UCS-2", 71, 2),
    ],
)
def test_length_and_segments(text: str, encoding: str, length: int, count: int) -> None:
    found = segments(text)
    assert (found.encoding, found.length, found.count) == (encoding, length, count)


def test_the_tables_are_whole() -> None:
    assert (len(BASIC), len(EXTENDED)) == (127, 10)  # the 128th is the escape character
    assert not BASIC & EXTENDED


def test_it_names_the_characters_that_make_it_dear() -> None:
    assert str(segments("It\u2019s 🎉🎉")) == "UCS-2, 9 characters, 1 segment because of \u2019 🎉"
    assert str(Segments("GSM-7", 161, 2)) == "GSM-7, 161 characters, 2 segments"
