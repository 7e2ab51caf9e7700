"""The providers' stand-ins as a real process, one for all tests; each test finds them empty, up and without rules."""

import smtplib
from collections.abc import Iterable, Iterator
from email.message import EmailMessage
from email.policy import SMTP

import pytest
import requests
from requests.auth import HTTPBasicAuth

from notifications.policy.attachment import File
from notifications.sandbox.client import SandboxClient, running_sandbox

PHONE = "+14155552671"
FORM = {"To": PHONE, "From": "+14155550000", "Body": "Hello"}


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


@pytest.fixture
def twilio(providers: SandboxClient) -> Iterator[requests.Session]:
    """A session with the right credentials."""
    with requests.Session() as session:
        session.trust_env = False  # no proxy
        session.auth = HTTPBasicAuth(providers.account_sid, providers.auth_token)
        yield session


def messages_url(providers: SandboxClient, name: str = "Messages") -> str:
    return f"{providers.http_url}/2010-04-01/Accounts/{providers.account_sid}/{name}.json"


def send_email(
    providers: SandboxClient,
    *,
    to: str = "asha@example.com",
    text: str = "Hello",
    html: str = "",
    files: Iterable[File] = (),
) -> None:
    letter = EmailMessage()
    letter["Subject"], letter["Message-ID"] = "Hi", "<outbox-5@example.org>"
    letter.set_content(text)
    if html:
        letter.add_alternative(html, subtype="html")
    for file in files:
        main, _, sub = file.content_type.partition("/")
        cid = f"<{file.cid}>" if file.cid else None
        letter.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name, cid=cid)
    host, port = providers.email_url.removeprefix("smtp://").split(":")
    with smtplib.SMTP(host, int(port)) as smtp:
        smtp.sendmail("us@example.org", [to], letter.as_bytes(policy=SMTP))
