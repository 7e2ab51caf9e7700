"""The same requests of the real client are accepted by a server made of Twilio's own description and by our sandbox."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from notifications.channels.base import Channel, DeliveryReport
from notifications.lifecycle import Accepted
from notifications.sandbox.client import SandboxClient
from tests.channels.conftest import outgoing, soon
from tests.stage.providers import FORM, messages_url
from tests.stage.twilio_description import Described, answer_schema, described_server, problems_of

Channels = Callable[..., Channel]

SID = "0a" * 16
TEMPLATES = {"test.greeting": {"en": "HX" + SID}}
EVERYTHING = {"expires_in": 90.0, "locale": "en"}
SENDS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "sms": ("sms", {}, {}),
    "sms with all options": ("sms", {"PUBLIC_URL": "https://book.example.org"}, EVERYTHING),
    "messaging service": ("sms", {"TWILIO_MESSAGING_SERVICE_SID": "MG" + SID}, EVERYTHING),
    "whatsapp": ("whatsapp", {}, {}),
    "whatsapp template": (
        "whatsapp",
        {"TWILIO_WHATSAPP_TEMPLATES": TEMPLATES, "PUBLIC_URL": "https://book.example.org"},
        EVERYTHING | {"parts": {"variables": "1: Yoga\n2: at ten"}},
    ),
}


@pytest.fixture
def described() -> Iterator[Described]:
    with described_server() as server:
        yield server


@pytest.mark.parametrize("send", SENDS.values(), ids=SENDS)
def test_a_send_is_accepted_by_both(
    channel: Channels, providers: SandboxClient, described: Described, send: tuple[str, dict[str, Any], dict[str, Any]]
) -> None:
    name, settings, message = send
    for url in (described.url, providers.http_url):
        outcome = channel(name, **settings, TWILIO_API_URL=url).send(outgoing(**message), soon())
        assert isinstance(outcome, Accepted), described.refusals
    [(_, _, by_description)] = described.requests
    [by_sandbox] = providers.messages()
    assert by_description == by_sandbox.parameters


def test_questions_are_understood_by_both(channel: Channels, providers: SandboxClient, described: Described) -> None:
    for url in (described.url, providers.http_url):
        sms = channel("sms", TWILIO_API_URL=url)
        assert isinstance(sms.send(outgoing(parts={"text": "another"}), soon()), Accepted)
        assert sms.find(outgoing(), began_ago=60.0, unknown_for=60.0, known=(), deadline=soon()) is None
        assert isinstance(sms.look_up("SM" + SID, soon()), DeliveryReport | None)
    assert [method for method, _, _ in described.requests] == ["POST", "GET", "GET"]
    assert described.refusals == []


def test_what_the_description_does_not_allow_is_refused(described: Described) -> None:
    url = f"{described.url}/2010-04-01/Accounts/AC{SID}/Messages.json"
    for form in ({"Too": "1"}, {"To": "+1", "ValidityPeriod": "soon"}, {"ContentSid": "HX1"}, {"RiskCheck": "perhaps"}):
        assert requests.post(url, data=form, auth=("AC", "x"), timeout=10).status_code == 400
    assert requests.post(url, json=FORM, auth=("AC", "x"), timeout=10).status_code == 400
    assert requests.post(url, data=FORM, timeout=10).status_code == 400
    assert requests.post(url.replace("AC0a", "AB0a"), data=FORM, auth=("AC", "x"), timeout=10).status_code == 400
    assert requests.post(url, data=FORM, auth=("AC", "x"), timeout=10).status_code == 201


def test_the_sandboxs_answers_have_the_described_shape(providers: SandboxClient, twilio: requests.Session) -> None:
    providers.add_rule(final="undelivered", final_code=30005)
    created = twilio.post(messages_url(providers), data=FORM)
    fetched = twilio.get(messages_url(providers, f"Messages/{created.json()['sid']}"))
    listed = twilio.get(messages_url(providers))
    for answer in (created, fetched, listed):
        path = (answer.request.url or "").removeprefix(providers.http_url)
        schema = answer_schema(str(answer.request.method), path, answer.status_code)
        assert problems_of(answer.json(), schema) == []
