"""WhatsApp's content templates: one for each language, its variables, and when free text is allowed."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from notifications.channels.base import Channel
from notifications.content import media_links
from notifications.lifecycle import Accepted, Permanent
from notifications.policy.attachment import File
from notifications.sandbox.client import SandboxClient
from tests.channels.conftest import outgoing, soon

Channels = Callable[..., Channel]


EN, DE = "HX" + "0e" * 16, "HX" + "0d" * 16


TEMPLATES = {"TWILIO_WHATSAPP_TEMPLATES": {"test.greeting": {"en": EN, "de": DE}}}


def sent_with(providers: SandboxClient) -> dict[str, str]:
    return dict(providers.messages()[-1].parameters)


class TestContentTemplates:
    @pytest.mark.parametrize(
        ("locale", "sid"), [("en", EN), ("de", DE), ("de-at", DE), ("fr", EN), ("", EN)], ids=lambda each: each[:5]
    )
    def test_one_per_language(self, channel: Channels, providers: SandboxClient, locale: str, sid: str) -> None:
        message = outgoing(parts={"variables": "1: Yoga\n\n2:   at  ten\nnote:"}, locale=locale)
        assert isinstance(channel("whatsapp", **TEMPLATES).send(message, soon()), Accepted)
        parameters = sent_with(providers)
        assert parameters["ContentSid"] == sid
        assert json.loads(parameters["ContentVariables"]) == {"1": "Yoga", "2": "at ten", "note": ""}
        assert "Body" not in parameters

    def test_a_template_that_has_a_variable_in_its_media_gets_the_file(
        self, channel: Channels, providers: SandboxClient, settings: Any
    ) -> None:
        settings.PUBLIC_URL = "https://book.example.com/app"
        whatsapp = channel("whatsapp", PUBLIC_URL=settings.PUBLIC_URL, **TEMPLATES)
        receipt = File("receipt.pdf", "application/pdf", b"%PDF-1.7")
        words = outgoing(parts={"variables": "1: Yoga\n3: [file]"}, files=(receipt,))
        assert isinstance(whatsapp.send(words, soon()), Accepted)
        parameters = sent_with(providers)
        filled = json.loads(parameters["ContentVariables"])
        assert filled["1"] == "Yoga"
        assert filled["3"].startswith("app/webhooks/media/")
        token = filled["3"].rstrip("/").rpartition("/")[2]
        assert media_links.read(token, now=time.time()) == (words.message_id, 0)
        assert "MediaUrl" not in parameters
        told = {"began_ago": 5.0, "unknown_for": 5.0, "known": frozenset[str](), "deadline": soon()}
        assert isinstance(whatsapp.find(words, **told), Accepted | None), "what Twilio lists has no path in it"
        without = whatsapp.send(words._replace(files=()), soon())
        assert isinstance(without, Permanent)
        assert (without.code, "asks for a file" in without.detail) == ("bad_variables", True)

    def test_a_template_without_variables(self, channel: Channels, providers: SandboxClient) -> None:
        channel("whatsapp", **TEMPLATES).send(outgoing(parts={"variables": ""}), soon())
        assert "ContentVariables" not in sent_with(providers)

    def test_a_line_without_a_name_is_refused_here(self, channel: Channels, providers: SandboxClient) -> None:
        outcome = channel("whatsapp", **TEMPLATES).send(outgoing(parts={"variables": "1: a\nno name"}), soon())
        assert isinstance(outcome, Permanent)
        assert outcome.code == "bad_variables"
        assert providers.messages() == []

    def test_which_words_are_rendered(self, channel: Channels) -> None:
        whatsapp = channel("whatsapp", **TEMPLATES)
        assert whatsapp.templates_for("test.greeting") == {"variables": "whatsapp.lines.txt"}
        assert whatsapp.templates_for("other") == {"text": "whatsapp.txt"}
        assert not whatsapp.needs_inbound_age("test.greeting")
        assert whatsapp.needs_inbound_age("other")
        assert not channel("whatsapp").needs_inbound_age("other")

    @pytest.mark.parametrize(("inbound_age", "is_sent"), [(None, False), (86_399.0, True), (86_400.0, False)])
    def test_free_text_only_within_24_hours(
        self, channel: Channels, providers: SandboxClient, inbound_age: float | None, *, is_sent: bool
    ) -> None:
        outcome = channel("whatsapp", **TEMPLATES).send(outgoing(kind="other", inbound_age=inbound_age), soon())
        assert isinstance(outcome, Accepted) == is_sent
        assert is_sent or outcome.code == "no_template"
        assert len(providers.messages()) == is_sent

    @pytest.mark.parametrize("setting", [[], {"a": {}}, {"a": {"en": "HX1"}}, {"a": EN}, {"a": {"en": None}}])
    def test_a_setting_in_another_shape_stops_the_start(self, channel: Channels, setting: Any) -> None:
        with pytest.raises(ImproperlyConfigured, match="TWILIO_WHATSAPP_TEMPLATES"):
            channel("whatsapp", TWILIO_WHATSAPP_TEMPLATES=setting)
