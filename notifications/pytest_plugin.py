"""The fixture `outbox_tools` for pytest, which finds this module by the distribution's entry point `pytest11`.

It is imported before Django is set up, so it imports nothing of Django's itself.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from notifications.testing import OutboxMixin


class WithDjango:
    """The fixture where pytest-django is. It names `db`: asked for later, it would be the project's own database."""

    @pytest.fixture
    def outbox_tools(self, db: None) -> "OutboxMixin":
        """`assert_published`, `assert_not_published`, `outbox_messages` and `drain`, with a database for the test."""
        return _tools()


class WithoutDjango:
    """The fixture where tests get their database in another way."""

    @pytest.fixture
    def outbox_tools(self) -> "OutboxMixin":
        """`assert_published`, `assert_not_published`, `outbox_messages` and `drain`."""
        return _tools()


def pytest_configure(config: pytest.Config) -> None:
    """Choose between the two: pytest-django makes test databases only for tests that name `db` themselves."""
    has_django = config.pluginmanager.hasplugin("django")
    config.pluginmanager.register(WithDjango() if has_django else WithoutDjango(), "notifications.outbox_tools")


def _tools() -> "OutboxMixin":
    from notifications.testing import OutboxMixin  # noqa: PLC0415  (needs Django's settings)

    return OutboxMixin()
