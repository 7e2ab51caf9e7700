"""The kinds that a test makes known end with it: a later test would find them without templates, and complain."""

from collections.abc import Iterator

import pytest

from tests.factories.notifications import GREETING, registered


@pytest.fixture(autouse=True)
def known_kinds() -> Iterator[None]:
    """As they were before the test, and the one that most tests publish."""
    with registered(GREETING):
        yield
