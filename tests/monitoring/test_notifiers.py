"""Who is told of an alert: administrators by email and a webhook, one of which is enough."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.core.checks import run_checks
from django.db import connection
from pytest_django import Settings

from notifications import schedules
from tests.stage.fake_gateway import Fake

pytestmark = pytest.mark.django_db(transaction=True)


class Hook(Fake):
    """A chat service's incoming webhook."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Any] = []
        self.status = 200

    def routes(self) -> list[Any]:
        return [("POST", "/hook", self._hear)]

    def _hear(self, body: str, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.heard.append(json.loads(body))
        return self.status, {}


@pytest.fixture
def hook(settings: Settings) -> Iterator[Hook]:
    hook = Hook()
    with hook.serving():
        settings.OUTBOX_ALERT_URL = f"{hook.url}/hook"
        yield hook


class TestTelling:
    def test_administrators_get_an_email_and_the_webhook_a_post(self, hook: Hook, settings: Settings) -> None:
        settings.ADMINS = [("Ann", "ann@example.com")]
        assert schedules.look_for_trouble() == "notified of: no-relay"
        assert schedules.look_for_trouble() == "nothing new"
        (letter,) = mail.outbox
        assert (letter.to, letter.subject) == (["ann@example.com"], "Outbox: no-relay")
        assert "No relay is running" in letter.body
        (posted,) = hook.heard
        assert posted.keys() == {"alert", "state", "since", "detail", "host", "runbook", "text"}
        assert (posted["alert"], posted["state"]) == ("no-relay", "firing")

    @pytest.mark.parametrize("status", [302, 404, 500])
    def test_a_webhook_that_refuses_is_asked_again(self, hook: Hook, status: int) -> None:
        hook.status = status
        assert schedules.look_for_trouble() == "nothing new"
        hook.status = 204
        assert schedules.look_for_trouble() == "notified of: no-relay"
        assert len(hook.heard) == 2

    def test_one_of_the_two_is_enough(self, hook: Hook, settings: Settings) -> None:
        settings.ADMINS = [("Ann", "ann@example.com")]
        hook.status = 500
        assert schedules.look_for_trouble() == "notified of: no-relay"

    @pytest.mark.parametrize("url", ["http://example.com/hook", "ftp://example.com", "https://", "file:///etc/passwd"])
    def test_only_https_leaves_this_machine(self, settings: Settings, url: str) -> None:
        settings.OUTBOX_ALERT_URL = url
        assert "notifications.E007" in [problem.id for problem in run_checks()]
        assert schedules.look_for_trouble() == "nothing new"

    def test_with_nobody_configured_the_log_alone_is_told_and_once(self, caplog: pytest.LogCaptureFixture) -> None:
        with connection.cursor():
            schedules.look_for_trouble()
            schedules.look_for_trouble()
        assert caplog.text.count("alert.raised alert=no-relay") == 1
