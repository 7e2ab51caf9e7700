"""execute_refunds: what it says, and what it refuses."""

import pytest

from tests.stage.commands import command, refused

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_execute_refunds_refuses_a_bad_limit(limit: str) -> None:
    assert "must be a whole number of at least 1" in refused("execute_refunds", "--limit", limit)


def test_execute_refunds_says_what_it_did() -> None:
    assert command("execute_refunds") == "Refunded 0; 0 not.\n"
    assert command("execute_refunds", verbosity=0) == ""
