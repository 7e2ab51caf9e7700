"""Durations in words."""

import pytest

from notifications.board.formats import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0042, "4 ms"), (0.9996, "1.0 s"), (1.23, "1.2 s"), (75, "75 s"), (150, "2 min"), (7300, "2.0 h"), (2e5, "2 d")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
