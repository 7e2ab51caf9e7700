"""The providers' stand-ins as a real process, one for all tests; each test finds them empty, up and without rules."""

from collections.abc import Iterator

import pytest

from notifications.sandbox.client import SandboxClient, running_sandbox


@pytest.fixture(scope="session")
def provider_sandbox() -> Iterator[SandboxClient]:
    with running_sandbox() as client:
        yield client


@pytest.fixture
def providers(provider_sandbox: SandboxClient) -> Iterator[SandboxClient]:
    """The sandbox, cleared; has account_sid, auth_token, http_url, email_url, and what SandboxClient does."""
    provider_sandbox.clear()
    yield provider_sandbox
    provider_sandbox.clear()  # a rule left behind would slow down or refuse the next test's relays
