"""Email through Resend: what reaches it, what each answer comes to, and that a lost answer makes no second email."""

import base64
from collections.abc import Callable, Iterator
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from pytest_django import Settings

from notifications.channels.base import Channel, State
from notifications.channels.resend import ResendChannel
from notifications.lifecycle import Accepted, Permanent, ReceiptStatus, Throttled, Transient, Unknown
from notifications.policy.attachment import File
from notifications.policy.letterhead import Letterhead
from notifications.sandbox import RESEND_KEY
from notifications.sandbox.client import SandboxClient
from tests.channels.conftest import ADDRESS, an_email, soon
from tests.channels.servers import closed_port
from tests.stage.description import Description, described_server

API = Description.read("resend/emails_openapi.json")
ABOVE = Letterhead("Kayaks <hello@kayaks.example>", "desk@kayaks.example", ("office@kayaks.example",), {"X-Trip": "7"})
PNG = File("logo.png", "image/png", b"\x89PNG", cid="logo")
UNSUBSCRIBE = "https://kayaks.example/webhooks/unsubscribe/x/"
NEW = count(1000)
Make = Callable[..., Channel]


@pytest.fixture
def resend(providers: SandboxClient, settings: Settings) -> Iterator[Make]:
    made: list[Channel] = []

    def make(**changes: Any) -> Channel:
        given = {
            "RESEND_API_KEY": RESEND_KEY,
            "RESEND_API_URL": providers.http_url,
            "DEFAULT_FROM_EMAIL": "Bookings <bookings@example.org>",
        }
        made.append(ResendChannel.from_settings("email", SimpleNamespace(**(given | changes))))
        return made[-1]

    settings.PUBLIC_URL = "https://kayaks.example"
    yield make
    for each in made:
        each.close()


def find(channel: Channel, message: Any, *, ago: float = 30.0) -> Any:
    return channel.find(message, began_ago=ago, unknown_for=ago, known=(), deadline=soon())


def test_an_email_goes_with_all_that_stands_above_it(resend: Make, providers: SandboxClient) -> None:
    message = an_email()._replace(letterhead=ABOVE, files=(PNG,), unsubscribe_url=UNSUBSCRIBE)
    outcome = resend().send(message, soon())

    [received] = providers.messages()
    assert outcome == Accepted(received.sid)
    assert received.parameters == {
        "from": "Kayaks <hello@kayaks.example>",
        "to": [ADDRESS],
        "cc": ["office@kayaks.example"],
        "reply_to": ["desk@kayaks.example"],
        "subject": "Your booking",
        "text": "Hello",
        "html": "<p>Hello</p>",
        "headers": {
            "X-Trip": "7",
            "Auto-Submitted": "auto-generated",
            "List-Unsubscribe": f"<{UNSUBSCRIBE}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
        "tags": [{"name": "outbox", "value": "7"}],
        "attachments": [
            {
                "filename": "logo.png",
                "content": base64.b64encode(PNG.content).decode(),
                "content_type": "image/png",
                "content_id": "logo",
            }
        ],
    }


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"code": "validation_error", "message": f"{ADDRESS}?"}, Permanent("resend_validation_error", "…?")),
        ({"code": "validation_error", "status": 403}, Transient("resend_validation_error", "No")),
        ({"code": "invalid_api_key"}, Transient("resend_invalid_api_key", "No")),
        ({"code": "concurrent_idempotent_requests"}, Transient("resend_concurrent_idempotent_requests", "No")),
        ({"code": "rate_limit_exceeded", "retry_after": 7}, Throttled("resend_rate_limit_exceeded", 7.0, "No")),
        ({"code": "daily_quota_exceeded"}, Throttled("resend_daily_quota_exceeded", 300.0, "No")),
        ({"code": "application_error"}, Unknown("http_500", "No")),
        ({"status": 418, "raw": "tea"}, Permanent("http_418")),
        ({"raw": "{}", "accept": True}, Unknown("unreadable_answer", "no id")),
        ({"raw": "[" * 100_000, "accept": True}, Unknown("unreadable_answer", "no id")),
        ({"reset": True}, Unknown("connection_reset", "ConnectionResetError")),
    ],
)
def test_each_answer_has_its_outcome(
    resend: Make, providers: SandboxClient, answer: dict[str, Any], expected: object
) -> None:
    providers.add_rule(**answer)
    message = an_email()._replace(message_id=next(NEW))  # the sandbox keeps the keys of what it has sent
    assert resend().send(message, soon()) == expected


@pytest.mark.parametrize(
    ("address", "parts", "code"),
    [
        ("nobody", {}, "bad_address"),
        ("käthe@example.com", {}, "smtputf8_not_offered"),
        (ADDRESS, {"subject": "a\nb"}, "bad_header"),
    ],
)
def test_what_cannot_be_an_email_is_not_sent(
    resend: Make, providers: SandboxClient, address: str, parts: dict[str, str], code: str
) -> None:
    assert resend().send(an_email(address, **parts), soon()).code == code
    assert providers.messages() == []


class TestALostAnswer:
    """It is settled by the same request with the same key: the recipient has one email (G6)."""

    def test_what_resend_has_is_adopted_and_not_sent_again(self, resend: Make, providers: SandboxClient) -> None:
        email, message = resend(), an_email()._replace(message_id=100)
        providers.add_rule(reset=True, accept=True, times=1)
        assert isinstance(email.send(message, soon()), Unknown)

        assert find(email, message._replace(claim_number=9)) == Accepted(providers.messages()[0].sid)
        assert [received.accepted for received in providers.messages()] == [True]

    def test_what_it_does_not_have_it_has_once_afterwards(self, resend: Make, providers: SandboxClient) -> None:
        email, message = resend(), an_email()._replace(message_id=101)
        providers.add_rule(reset=True, times=1)
        assert isinstance(email.send(message, soon()), Unknown)

        found = find(email, message)
        assert found == find(email, message) == email.send(message, soon())
        assert [received.accepted for received in providers.messages()] == [False, True]

    def test_in_other_words_it_was_sent_before(self, resend: Make, providers: SandboxClient) -> None:
        email, message = resend(), an_email()._replace(message_id=102)
        email.send(message, soon())
        assert find(email, message._replace(parts=message.parts | {"text": "Hi"})) == Accepted("outbox-102")
        assert len(providers.messages()) == 1

    def test_another_address_or_site_is_another_email(
        self, resend: Make, providers: SandboxClient, settings: Settings
    ) -> None:
        email, message = resend(), an_email()._replace(message_id=103)
        email.send(message, soon())
        email.send(message._replace(address="ann@example.com"), soon())
        settings.PUBLIC_URL = "https://staging.example"
        email.send(message, soon())
        assert len({received.sid for received in providers.messages()}) == 3

    def test_when_nobody_says_it_stays_open(self, resend: Make, providers: SandboxClient) -> None:
        email, message = resend(), an_email()._replace(message_id=104)
        assert find(email, message, ago=24 * 3600.0) is None, "Resend has forgotten the key"
        providers.down()
        assert find(email, message) == Transient("asking_http_503", "The sandbox plays dead.")
        nobody = resend(RESEND_API_URL=f"http://127.0.0.1:{closed_port()}")
        assert find(nobody, message) == Transient("asking_connection_refused", "ConnectionRefusedError")
        providers.up()
        providers.add_rule(code="validation_error")
        assert find(email, message) is None, "it had refused it before, too"


def test_what_became_of_an_email(resend: Make, providers: SandboxClient) -> None:
    providers.add_rule(final="bounced")
    email = resend()
    accepted = email.send(an_email()._replace(message_id=105), soon())
    report: Any = email.look_up(accepted.provider_id, soon())
    assert report.status is ReceiptStatus.BOUNCED
    assert email.look_up("../domains", soon()) is None
    assert email.probe(soon()).state is State.OK
    assert resend(RESEND_API_KEY="wrong").probe(soon()).state is State.WRONG


class TestDescription:
    """Resend's published description allows what we send, and what the sandbox answers."""

    def test_what_we_send_and_ask_is_described(self, resend: Make) -> None:
        with described_server(API) as described:
            email = resend(RESEND_API_URL=described.url)
            email.send(an_email()._replace(letterhead=ABOVE, files=(PNG,), unsubscribe_url=UNSUBSCRIBE), soon())
            email.look_up("4ef9a417-02e9-4d39-ad75-9611e0fcc33c", soon())
        assert described.refusals == []
        assert len(described.requests) == 2

    def test_the_sandbox_answers_as_described_with_resend(self, resend: Make, providers: SandboxClient) -> None:
        accepted = resend().send(an_email()._replace(message_id=106), soon())
        emails, key = f"{providers.http_url}/emails", {"Authorization": f"Bearer {RESEND_KEY}"}
        letter = {"from": "a@b.c", "to": "d@e.f", "subject": "s", "text": "t"}
        answers = [
            requests.post(emails, json=letter, headers=key, timeout=10),
            requests.get(f"{emails}/{accepted.provider_id}", headers=key, timeout=10),
        ]
        assert [API.problems_of_answer(answer) for answer in answers] == [[], []]
