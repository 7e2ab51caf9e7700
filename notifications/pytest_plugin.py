"""The fixture `outbox_tools` for pytest, which finds this module by the distribution's entry point `pytest11`.

It is imported before Django is set up, so it imports nothing of Django's itself.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from notifications.testing import OutboxMixin


@pytest.fixture
def outbox_tools(request: pytest.FixtureRequest) -> "OutboxMixin":
    """`assert_published`, `assert_not_published`, `outbox_messages` and `drain`, with a database for the test."""
    from notifications.testing import OutboxMixin  # noqa: PLC0415  (needs Django's settings)

    if request.config.pluginmanager.hasplugin("django"):
        request.getfixturevalue("db")
    return OutboxMixin()
