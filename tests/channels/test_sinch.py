"""SMS through Sinch: what reaches it, what each answer comes to, what it is asked, and its description of it all."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from notifications.channels.base import Channel, State
from notifications.channels.sinch import SinchSmsChannel
from notifications.lifecycle import Accepted, Permanent, ReceiptStatus, Throttled, Transient, Unknown
from notifications.sandbox import SINCH_PLAN, SINCH_TOKEN
from notifications.sandbox.client import SandboxClient
from tests.channels.conftest import outgoing, soon
from tests.channels.servers import closed_port
from tests.stage.description import Description, described_server
from tests.stage.providers import PHONE

API = Description.read("sinch/batches_openapi.json")
Make = Callable[..., Channel]


@pytest.fixture
def sinch(providers: SandboxClient, settings: Settings) -> Iterator[Make]:
    made: list[Channel] = []

    def make(**changes: Any) -> Channel:
        settings.PUBLIC_URL = changes.pop("PUBLIC_URL", "")
        given = {
            "SINCH_SERVICE_PLAN_ID": SINCH_PLAN,
            "SINCH_API_TOKEN": SINCH_TOKEN,
            "SINCH_API_URL": providers.http_url,
            "SINCH_SMS_FROM": "+14155550000",
        }
        made.append(SinchSmsChannel.from_settings("sms", SimpleNamespace(**(given | changes))))
        return made[-1]

    yield make
    for each in made:
        each.close()


def find(channel: Channel, **changes: Any) -> Any:
    words: dict[str, Any] = {"began_ago": 30.0, "unknown_for": 30.0, "known": (), "deadline": soon()}
    return channel.find(outgoing(), **(words | changes))


def test_an_sms_is_accepted_under_sinchs_id_and_ours_goes_with_it(sinch: Make, providers: SandboxClient) -> None:
    outcome = sinch(PUBLIC_URL="https://book.example.org").send(
        outgoing(parts={"text": "Grüße 🎉"}, expires_in=90.0), soon()
    )

    [received] = providers.messages()
    assert outcome == Accepted(received.sid)
    sent: dict[str, Any] = dict(received.parameters)
    ends = datetime.fromisoformat(sent.pop("expire_at")) - datetime.now(UTC)
    assert timedelta(seconds=60) < ends <= timedelta(seconds=90)
    assert sent == {
        "from": "14155550000",
        "to": [PHONE],
        "body": "Grüße 🎉",
        "client_reference": "outbox-7",
        "callback_url": "https://book.example.org/webhooks/sinch/",
        "delivery_report": "per_recipient",
    }


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            {"code": "syntax_invalid_parameter_format", "message": f"{PHONE}?"},
            Permanent("sinch_syntax_invalid_parameter_format", "…?"),
        ),
        ({"code": "unauthorized", "message": "No"}, Transient("sinch_unauthorized", "No")),
        ({"status": 401, "raw": ""}, Transient("http_401")),
        ({"status": 429, "raw": "", "retry_after": 7}, Throttled("http_429", 7.0)),
        ({"status": 403, "code": "something_new", "message": "New"}, Permanent("http_403", "New")),
        ({"status": 503, "raw": ""}, Unknown("http_503")),
        ({"raw": "{}", "accept": True}, Unknown("unreadable_answer", "no id")),
        ({"raw": "[" * 100_000, "accept": True}, Unknown("unreadable_answer", "no id")),
        ({"reset": True}, Unknown("connection_reset", "ConnectionResetError")),
    ],
)
def test_each_answer_has_its_outcome_with_sinch(
    sinch: Make, providers: SandboxClient, answer: dict[str, Any], expected: object
) -> None:
    providers.add_rule(**answer)
    assert sinch().send(outgoing(), soon()) == expected


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"SINCH_SERVICE_PLAN_ID": "../x"}, "SINCH_SERVICE_PLAN_ID"),
        ({"SINCH_SMS_FROM": "a name that is too long"}, "SINCH_SMS_FROM"),
        ({"SINCH_REGION": "moon"}, "SINCH_REGION"),
        ({"SINCH_API_URL": "ftp://x"}, "SINCH_API_URL"),
    ],
)
def test_a_wrong_setting_is_named_with_sinch(sinch: Make, wrong: dict[str, str], named: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=named):
        sinch(**wrong)


class TestAsking:
    """After a lost answer, Sinch is asked for the batches with our reference (G6)."""

    def test_what_it_has_is_found_by_our_reference_with_sinch(self, sinch: Make, providers: SandboxClient) -> None:
        sms = sinch()
        providers.add_rule(reset=True, accept=True, times=1)
        assert isinstance(sms.send(outgoing(), soon()), Unknown)
        sms.send(outgoing(message_id=8), soon())  # the same words to the same number
        ours, _ = providers.messages()

        assert find(sms) == Accepted(ours.sid)
        assert find(sms, known=(ours.sid,)) is None
        assert sms.find(outgoing("+14155552672"), began_ago=1, unknown_for=9, known=(), deadline=soon()) is None

    def test_what_it_does_not_say_is_no_answer_with_sinch(self, sinch: Make, providers: SandboxClient) -> None:
        providers.down()
        assert find(sinch()) == Transient("asking_http_503")
        assert find(sinch(SINCH_API_TOKEN="wrong")) is None, "a token that may not read"
        nobody = sinch(SINCH_API_URL=f"http://127.0.0.1:{closed_port()}")
        assert find(nobody) == Transient("asking_connection_refused", "ConnectionRefusedError")

    def test_what_became_of_a_message_with_sinch(self, sinch: Make, providers: SandboxClient) -> None:
        providers.add_rule(final="aborted", final_code=402)
        sms = sinch()
        accepted = sms.send(outgoing(), soon())
        report: Any = sms.look_up(accepted.provider_id, soon())

        assert (report.status, report.code) == (ReceiptStatus.UNDELIVERED, "sinch_402")
        assert sms.look_up("../../x?y", soon()) is None

    def test_the_credentials_can_be_tried_with_sinch(self, sinch: Make) -> None:
        assert sinch().probe(soon()).state is State.OK
        wrong = sinch(SINCH_API_TOKEN="wrong").probe(soon())
        assert (wrong.state, "SINCH_API_TOKEN" in wrong.said) == (State.WRONG, True)


class TestDescription:
    """Sinch's published description allows what we send, and what the sandbox answers."""

    def test_what_we_send_and_ask_is_described_with_sinch(self, sinch: Make) -> None:
        with described_server(API) as described:
            sms = sinch(SINCH_API_URL=described.url, PUBLIC_URL="https://book.example.org")
            sms.send(outgoing(expires_in=90.0), soon())
            find(sms)
            sms.look_up("01FC66621VHDBN119Z8PMV1QPQ", soon())
            sms.probe(soon())
        assert described.refusals == []
        assert len(described.requests) == 4

    def test_the_sandbox_answers_as_described_with_sinch(self, sinch: Make, providers: SandboxClient) -> None:
        accepted = sinch().send(outgoing(expires_in=60.0), soon())
        batches = f"{providers.http_url}/xms/v1/{SINCH_PLAN}/batches"
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {SINCH_TOKEN}"
            answers = [
                session.post(batches, json={"from": "Acme", "to": [PHONE], "body": "Hi"}, timeout=10),
                session.post(batches, json={"from": "Acme", "to": ["x"], "body": "Hi"}, timeout=10),
                session.get(batches, timeout=10),
                session.get(f"{batches}/{accepted.provider_id}/delivery_report", timeout=10),
            ]
        assert [answer.status_code for answer in answers] == [201, 400, 200, 200]
        assert [API.problems_of_answer(answer) for answer in answers] == [[], [], [], []]
