"""WhatsApp through Meta's Cloud API: what reaches it, what each answer comes to, and its own description of it all."""

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from notifications.channels.base import Channel, State
from notifications.channels.meta import WhatsAppCloudChannel
from notifications.content import media_links
from notifications.lifecycle import (
    Accepted,
    Deferral,
    Permanent,
    Reason,
    ReceiptStatus,
    Throttled,
    Transient,
    Unknown,
)
from notifications.policy.attachment import File
from notifications.sandbox import META_NUMBER_ID, META_TOKEN
from notifications.sandbox.client import SandboxClient
from tests.channels.conftest import outgoing, soon
from tests.channels.servers import closed_port
from tests.stage.description import Description, described_server
from tests.stage.providers import PHONE

API = Description.read("meta/messages_openapi.json")
TEMPLATES = {"WHATSAPP_TEMPLATES": {"test.greeting": {"en": "greeting/en_US", "pt-BR": "greeting", "de": "gruss"}}}
VARIABLES = {"variables": "2: at ten\n1: Yoga  class"}
PDF, PNG = File("receipt.pdf", "application/pdf", b"%PDF-"), File("map.png", "image/png", b"\x89PNG")
Make = Callable[..., Channel]


@pytest.fixture
def meta(providers: SandboxClient, settings: Settings) -> Iterator[Make]:
    made: list[Channel] = []

    def make(**changes: Any) -> Channel:
        settings.PUBLIC_URL = changes.pop("PUBLIC_URL", "")
        given = {
            "WHATSAPP_PHONE_NUMBER_ID": META_NUMBER_ID,
            "WHATSAPP_ACCESS_TOKEN": META_TOKEN,
            "WHATSAPP_API_URL": providers.http_url,
        }
        made.append(WhatsAppCloudChannel.from_settings("whatsapp", SimpleNamespace(**(given | changes))))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_text_is_accepted_under_metas_id_and_ours_goes_with_it(meta: Make, providers: SandboxClient) -> None:
    outcome = meta().send(outgoing(parts={"text": "Grüße 🎉"}), soon())

    [received] = providers.messages()
    assert outcome == Accepted(received.sid)
    assert (received.channel, received.to) == ("whatsapp", PHONE)
    assert received.parameters == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": PHONE,
        "biz_opaque_callback_data": "outbox-7-3",
        "type": "text",
        "text": {"preview_url": False, "body": "Grüße 🎉"},
    }


@pytest.mark.parametrize(
    ("locale", "name", "language"),
    [("de-AT", "gruss", "de"), ("pt-BR", "greeting", "pt_BR"), ("fr", "greeting", "en_US")],
)
def test_a_template_comes_in_the_recipients_language(
    meta: Make, providers: SandboxClient, locale: str, name: str, language: str
) -> None:
    whatsapp = meta(**TEMPLATES)
    assert isinstance(whatsapp.send(outgoing(parts=VARIABLES, locale=locale), soon()), Accepted)

    template: Any = providers.messages()[0].parameters["template"]
    assert (template["name"], template["language"]["code"]) == (name, language)
    words = [{"type": "text", "text": "Yoga class"}, {"type": "text", "text": "at ten"}]
    assert template["components"] == [{"type": "body", "parameters": words}]
    assert whatsapp.templates_for("test.greeting") == {"variables": "whatsapp.lines.txt"}


def test_named_variables_keep_their_names(meta: Make, providers: SandboxClient) -> None:
    meta(**TEMPLATES).send(outgoing(parts={"variables": "title: Yoga"}), soon())
    template: Any = providers.messages()[0].parameters["template"]
    assert template["components"][0]["parameters"] == [{"type": "text", "parameter_name": "title", "text": "Yoga"}]
    assert meta(**TEMPLATES).send(outgoing(parts={"variables": "oops"}), soon()).code == "bad_variables"


def test_free_text_goes_to_who_wrote_within_a_day(meta: Make, providers: SandboxClient) -> None:
    whatsapp, other = meta(**TEMPLATES), outgoing(kind="test.other")
    assert whatsapp.needs_inbound_age("test.other")
    assert whatsapp.send(other, soon()).code == "no_template"
    assert whatsapp.send(other._replace(inbound_age=86_401.0), soon()).code == "no_template"
    assert isinstance(whatsapp.send(other._replace(inbound_age=60.0), soon()), Accepted)
    assert len(providers.messages()) == 1


def test_a_file_goes_by_a_link_with_the_text_under_it(meta: Make, providers: SandboxClient) -> None:
    site = "https://kayaks.example"
    for file in (PDF, PNG):
        meta(PUBLIC_URL=site).send(outgoing(files=(file,)), soon())
    meta(PUBLIC_URL=site).send(outgoing(files=(PDF,), parts={"text": "long " * 250}), soon())
    meta().send(outgoing(files=(PDF,)), soon())  # without PUBLIC_URL: the words go alone

    document, image, *texts = (dict(received.parameters) for received in providers.messages())
    media: Any = document["document"]
    assert (media["filename"], media["caption"]) == ("receipt.pdf", "Hello")
    link, _, token = media["link"].rstrip("/").rpartition("/")
    assert (link, media_links.read(token, now=time.time())) == (f"{site}/webhooks/media", (7, 0))
    assert image["type"] == "image"
    assert [message["type"] for message in texts] == ["text", "text"]


def test_a_template_whose_header_is_a_file_gets_the_messages_own(meta: Make, providers: SandboxClient) -> None:
    whatsapp = meta(PUBLIC_URL="https://kayaks.example", **TEMPLATES)
    asking = outgoing(parts={"variables": "header: [file]\n1: Yoga"})
    for file in (PDF, PNG):
        assert isinstance(whatsapp.send(asking._replace(files=(file,)), soon()), Accepted)
    whatsapp.send(asking._replace(files=(PDF,), parts={"variables": "header: [file]"}), soon())

    templates: list[Any] = [received.parameters["template"] for received in providers.messages()]
    (header, body), (image, _), (alone,) = (template["components"] for template in templates)
    (document,) = header["parameters"]
    assert (header["type"], document["type"], document["document"]["filename"]) == ("header", "document", "receipt.pdf")
    token = document["document"]["link"].rstrip("/").rpartition("/")[2]
    assert media_links.read(token, now=time.time()) == (7, 0)
    assert image["parameters"][0]["image"].keys() == {"link"}
    assert body == {"type": "body", "parameters": [{"type": "text", "text": "Yoga"}]}
    assert alone["type"] == "header"
    unreachable = meta(**TEMPLATES).send(asking._replace(files=(PDF,)), soon())
    for refused in (whatsapp.send(asking, soon()), unreachable):
        assert isinstance(refused, Permanent)
        assert (refused.code, "asks for a file" in refused.detail) == ("bad_variables", True)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"code": 131047, "message": "Window"}, Permanent("meta_131047", "Window")),
        ({"code": 131026, "message": "None"}, Permanent("meta_131026", "None", Reason.ADDRESS_INVALID)),
        ({"code": 130429, "message": "Slow", "status": 429}, Throttled("meta_130429", 5.0, "Slow")),
        ({"code": 131048, "message": "Spam"}, Throttled("meta_131048", 300.0, "Spam")),
        ({"code": 131056, "message": "Pair"}, Transient("meta_131056", "Pair", Deferral(60.0))),
        ({"code": 190, "message": "Token", "status": 401}, Transient("meta_190", "Token")),
        ({"code": 3, "message": "Rights", "status": 500}, Transient("meta_3", "Rights")),
        ({"code": 131016, "message": "Away", "status": 503}, Unknown("meta_131016", "Away")),
        ({"code": 131000, "message": "Odd"}, Unknown("meta_131000", "Odd")),
        ({"code": 132001, "message": "Template", "status": 404}, Permanent("meta_132001", "Template")),
        ({"code": 999_999, "message": "New"}, Permanent("meta_999999", "New")),
        ({"code": 999_999, "message": "New", "status": 500}, Unknown("http_500", "New")),
        ({"status": 502, "raw": "<html>"}, Unknown("http_502")),
        ({"raw": "{}", "accept": True}, Unknown("unreadable_answer", "no id")),
        ({"raw": "[" * 100_000, "accept": True}, Unknown("unreadable_answer", "no id")),
        ({"reset": True}, Unknown("connection_reset", "ConnectionResetError")),
    ],
)
def test_each_answer_has_its_outcome_with_meta(
    meta: Make, providers: SandboxClient, answer: dict[str, Any], expected: object
) -> None:
    providers.add_rule(**answer)
    assert meta().send(outgoing(), soon()) == expected


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"WHATSAPP_PHONE_NUMBER_ID": "+14155550001"}, "WHATSAPP_PHONE_NUMBER_ID"),
        ({"WHATSAPP_ACCESS_TOKEN": ""}, "WHATSAPP_ACCESS_TOKEN"),
        ({"WHATSAPP_API_VERSION": "latest"}, "WHATSAPP_API_VERSION"),
        ({"WHATSAPP_TEMPLATES": {"a.b": {"en": "Not A Name"}}}, "WHATSAPP_TEMPLATES"),
        ({"WHATSAPP_TEMPLATES": ["a.b"]}, "WHATSAPP_TEMPLATES"),
    ],
)
def test_a_wrong_setting_is_named_with_meta(meta: Make, wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=named):
        meta(**wrong)


def test_the_web_knows_its_form_without_the_token(meta: Make) -> None:
    whatsapp = meta(WHATSAPP_ACCESS_TOKEN="", OUTBOX_SENDS=False, **TEMPLATES)
    assert whatsapp.templates_for("test.greeting") == {"variables": "whatsapp.lines.txt"}


class TestAsking:
    def test_what_became_of_a_message_with_meta(self, meta: Make, providers: SandboxClient) -> None:
        providers.add_rule(final="read", times=1)
        providers.tell_statuses("sent")
        whatsapp = meta()
        accepted = whatsapp.send(outgoing(), soon())
        report: Any = whatsapp.look_up(accepted.provider_id, soon())

        assert report.status is ReceiptStatus.READ
        assert whatsapp.look_up("nobody", soon()) is None
        providers.down()
        assert whatsapp.look_up(accepted.provider_id, soon()) == Transient("asking_http_503")

    def test_the_credentials_can_be_tried_with_meta(self, meta: Make) -> None:
        assert meta().probe(soon()).state is State.OK
        wrong = meta(WHATSAPP_ACCESS_TOKEN="wrong").probe(soon())
        assert (wrong.state, "WHATSAPP_ACCESS_TOKEN" in wrong.said) == (State.WRONG, True)
        assert meta(WHATSAPP_API_URL=f"http://127.0.0.1:{closed_port()}").probe(soon()).state is State.WRONG


class TestDescription:
    """Meta's published description allows what we send, and what the sandbox answers."""

    def test_what_we_send_and_ask_is_described_with_meta(self, meta: Make) -> None:
        with described_server(API) as described:
            site = {"WHATSAPP_API_URL": described.url, "PUBLIC_URL": "https://kayaks.example"}
            meta(**site).send(outgoing(), soon())
            for file in (PDF, PNG):
                meta(**site).send(outgoing(files=(file,)), soon())
            meta(**site, **TEMPLATES).send(outgoing(parts=VARIABLES), soon())
            asking = {"variables": f"header: [file]\n{VARIABLES['variables']}"}
            meta(**site, **TEMPLATES).send(outgoing(parts=asking, files=(PDF,)), soon())
            meta(**site).look_up("wamid.x", soon())
        assert described.refusals == []
        assert len(described.requests) == 6

    def test_the_sandbox_answers_as_described_with_meta(self, meta: Make, providers: SandboxClient) -> None:
        accepted = meta().send(outgoing(), soon())
        here = f"{providers.http_url}/v23.0/{META_NUMBER_ID}"
        message = {"messaging_product": "whatsapp", "to": PHONE, "type": "text", "text": {"body": "Hi"}}
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {META_TOKEN}"
            answers = [
                session.post(f"{here}/messages", json=message, timeout=10),
                session.get(f"{here}/message_history", params={"message_id": accepted.provider_id}, timeout=10),
            ]
        assert [API.problems_of_answer(answer) for answer in answers] == [[], []]
