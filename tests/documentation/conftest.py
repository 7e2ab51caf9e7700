"""An empty database for a project of the documentation's."""

from collections.abc import Iterator

import pytest

from tests.stage.scratch import scratch_database


@pytest.fixture
def url(database_url: str) -> Iterator[str]:
    """The URL of an empty database, beside the tests' own."""
    with scratch_database(database_url, "documented_project") as url:
        yield url
