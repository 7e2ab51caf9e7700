"""Which mailer the email channel takes: EMAIL_URL's, or that of Django's own settings; and what it makes of it."""

import smtplib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.backends import smtp
from django.core.mail.backends.base import BaseEmailBackend

from notifications.channels.base import Channel
from notifications.channels.email import EmailChannel
from notifications.checks.promises import mailers_keep_to_the_deadline
from notifications.lifecycle import Accepted, Permanent, Unknown
from notifications.sandbox.client import SandboxClient
from tests.channels.conftest import ADDRESS, an_email, soon
from tests.channels.servers import scripted_server, silence

HERE = "tests.channels.test_mailers"


class TheirBackend(BaseEmailBackend):
    """An adopter's own, which remembers what it is given."""

    sent: ClassVar[list[Any]] = []
    answer: ClassVar[int | Exception] = 1

    def send_messages(self, email_messages: Sequence[Any]) -> int:
        if isinstance(self.answer, Exception):
            raise self.answer
        self.sent.extend(email_messages)
        return self.answer


class TheirSMTP(smtp.EmailBackend):
    pass


@contextmanager
def channel(**settings: Any) -> Iterator[Channel]:
    made = EmailChannel.from_settings("email", SimpleNamespace(DEFAULT_FROM_EMAIL="b@example.org", **settings))
    try:
        yield made
    finally:
        made.close()


def server_of(providers: SandboxClient) -> tuple[str, int]:
    parts = urlsplit(providers.email_url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def test_djangos_own_mail_server_is_used(providers: SandboxClient) -> None:
    host, port = server_of(providers)

    with channel(EMAIL_HOST=host, EMAIL_PORT=port) as email:
        outcome = email.send(an_email(), soon())

    assert isinstance(outcome, Accepted)
    assert [received.to for received in providers.messages()] == [ADDRESS]


def test_djangos_default_mailer_is_used(providers: SandboxClient) -> None:
    host, port = server_of(providers)

    with channel(MAILERS={"default": {"OPTIONS": {"host": host, "port": port}}}) as email:
        outcome = email.send(an_email(), soon())

    assert isinstance(outcome, Accepted)
    assert [received.to for received in providers.messages()] == [ADDRESS]


@pytest.mark.parametrize(
    "settings",
    [
        {"EMAIL_BACKEND": f"{HERE}.TheirBackend"},
        {"MAILERS": {"default": {"BACKEND": f"{HERE}.TheirBackend"}}, "EMAIL_BACKEND": "not.used"},
    ],
)
def test_a_backend_of_the_projects_own_is_used(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TheirBackend, "sent", [])

    with channel(**settings) as email:
        outcome = email.send(an_email(), soon())

    assert isinstance(outcome, Accepted)
    assert [letter.to for letter in TheirBackend.sent] == [[ADDRESS]]


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        (0, Unknown, "connection_reset"),
        (ConnectionResetError(), Unknown, "connection_reset"),
        (smtplib.SMTPRecipientsRefused({ADDRESS: (550, b"No.")}), Permanent, "smtp_550"),
    ],
)
def test_what_their_backend_says_is_believed_and_no_more(
    answer: int | Exception, outcome: type[Any], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TheirBackend, "answer", answer)

    with channel(EMAIL_BACKEND=f"{HERE}.TheirBackend") as email:
        came = email.send(an_email(), soon())

    assert (type(came), came.code) == (outcome, code)


def test_their_own_smtp_is_given_the_deadline() -> None:
    with scripted_server(silence) as server:
        options = {"host": "127.0.0.1", "port": server.port}
        began = time.monotonic()
        with channel(MAILERS={"default": {"BACKEND": f"{HERE}.TheirSMTP", "OPTIONS": options}}) as email:
            outcome = email.send(an_email(), soon(0.5))

    assert (type(outcome), outcome.code) == (Unknown, "timeout")
    assert time.monotonic() - began < 5


def test_the_url_comes_first(providers: SandboxClient) -> None:
    with channel(EMAIL_URL=providers.email_url, EMAIL_BACKEND=f"{HERE}.TheirBackend") as email:
        email.send(an_email(), soon())

    assert len(providers.messages()) == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "EMAIL_URL is not set; the channel 'email' needs it, or Django's MAILERS, EMAIL_BACKEND or EMAIL_HOST"),
        ({"EMAIL_BACKEND": "nowhere.Backend"}, "'nowhere.Backend' cannot be imported"),
        ({"MAILERS": {"default": {}}}, "name no host for SMTP"),
        ({"EMAIL_HOST": "a", "EMAIL_USE_TLS": True, "EMAIL_USE_SSL": True}, "ask for TLS twice"),
    ],
)
def test_what_is_missing_is_named(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words), channel(**settings):
        pass


@pytest.mark.filterwarnings("ignore:The EMAIL_BACKEND setting is deprecated")  # from Django 6.1 on
def test_a_backend_without_a_deadline_is_warned_of(settings: Any) -> None:
    settings.EMAIL_URL, settings.OUTBOX_CHANNELS = "", {"email": "notifications.channels.email.EmailChannel"}
    settings.EMAIL_BACKEND = f"{HERE}.TheirBackend"
    if hasattr(settings, "MAILERS"):
        del settings.MAILERS  # Django 6.1's test runner sets it

    assert [each.id for each in mailers_keep_to_the_deadline()] == ["notifications.W002"]

    settings.EMAIL_BACKEND = f"{HERE}.TheirSMTP"
    assert mailers_keep_to_the_deadline() == []


def test_files_are_written_where_the_earlier_setting_says(tmp_path: Path) -> None:
    """Django 6.1's mailers have names, and with a name its backend does not read that setting."""
    with channel(EMAIL_BACKEND="django.core.mail.backends.filebased.EmailBackend", EMAIL_FILE_PATH=tmp_path) as made:
        assert isinstance(made.send(an_email(), soon()), Accepted)
    assert ADDRESS in next(tmp_path.iterdir()).read_text()
