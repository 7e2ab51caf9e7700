"""What goes along with a message to Twilio: callback, validity, content templates; and what is asked of it later."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from notifications.channels.base import Channel, DeliveryReport
from notifications.channels.twilio_lookup import NEWEST
from notifications.lifecycle import Accepted, Permanent, Reason, ReceiptStatus, Throttled, Transient
from notifications.sandbox.client import SandboxClient
from tests.channels.conftest import outgoing, soon
from tests.channels.servers import closed_port, read_request, scripted_server

Channels = Callable[..., Channel]

EN, DE = "HX" + "0e" * 16, "HX" + "0d" * 16
TEMPLATES = {"TWILIO_WHATSAPP_TEMPLATES": {"test.greeting": {"en": EN, "de": DE}}}


def sent_with(providers: SandboxClient) -> dict[str, str]:
    return dict(providers.messages()[-1].parameters)


class TestCallbacks:
    def test_the_url_names_message_and_attempt(self, channel: Channels, providers: SandboxClient) -> None:
        channel("sms", PUBLIC_URL="https://book.example.org/").send(outgoing(), soon())
        url = "https://book.example.org/webhooks/twilio/status/?message=7&claim=3"
        assert sent_with(providers)["StatusCallback"] == url

    @pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:80"])
    def test_twilio_is_given_no_url_that_it_cannot_reach(self, channel: Channels, host: str) -> None:
        options = channel("sms", PUBLIC_URL=f"http://{host}", TWILIO_API_URL="")._options(outgoing())  # type: ignore[attr-defined]
        assert options == {}


class TestValidity:
    @pytest.mark.parametrize(("seconds", "period"), [(90.9, "90"), (0.2, "1"), (86_400.0, "36000")])
    def test_it_ends_with_the_message_s_use(
        self, sms: Channel, providers: SandboxClient, seconds: float, period: str
    ) -> None:
        assert isinstance(sms.send(outgoing(expires_in=seconds), soon()), Accepted)
        assert sent_with(providers)["ValidityPeriod"] == period

    def test_without_an_end_it_is_twilios(self, sms: Channel, providers: SandboxClient) -> None:
        sms.send(outgoing(), soon())
        assert "ValidityPeriod" not in sent_with(providers)


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


@contextmanager
def answering(status: int, headers: dict[str, str], body: str) -> Iterator[str]:
    """A server that answers everything so."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    answer = f"HTTP/1.1 {status} -\r\n{lines}Content-Length: {len(body)}\r\n\r\n{body}".encode()
    with scripted_server(lambda sock: (read_request(sock), sock.sendall(answer))) as server:
        yield f"http://127.0.0.1:{server.port}"


class TestFinding:
    """Twilio is asked for what a lost answer left unknown (G6)."""

    def find(self, channel: Channel, message: Any = None, *, ago: float = 30.0, known: tuple[str, ...] = ()) -> Any:
        since = datetime.now(UTC) - timedelta(seconds=ago)
        return channel.find(message or outgoing(), since=since, known=known, deadline=soon())

    def test_what_it_has_is_found_under_its_name(self, sms: Channel, providers: SandboxClient) -> None:
        providers.add_rule(reset=True, accept=True, times=1)
        sms.send(outgoing(), soon())
        assert self.find(sms) == Accepted(providers.messages()[0].sid)

    def test_what_it_does_not_have_is_not_found(self, sms: Channel) -> None:
        assert self.find(sms) is None

    def test_through_a_messaging_service(self, channel: Channels, providers: SandboxClient) -> None:
        sms = channel("sms", TWILIO_MESSAGING_SERVICE_SID="MG" + "0" * 32)
        sent = sms.send(outgoing(), soon())
        assert self.find(sms) == sent
        assert self.find(channel("sms")) is None, "what another sender sent is another message"

    def test_a_content_template_by_its_variables(self, channel: Channels, providers: SandboxClient) -> None:
        providers.add_content(EN, "Your booking of {{1}} {{2}} is confirmed.")
        whatsapp, message = channel("whatsapp", **TEMPLATES), outgoing(parts={"variables": "1: Yoga\n2: at ten"})
        sent = whatsapp.send(message, soon())
        assert self.find(whatsapp, message) == sent
        assert self.find(whatsapp, outgoing(parts={"variables": "1: Yoga\n2: at noon"})) is None

    @pytest.mark.parametrize("other", [{"parts": {"text": "Hello!"}}, {"address": "+14155559999"}])
    def test_other_words_and_other_people_are_other_messages(
        self, sms: Channel, providers: SandboxClient, other: dict[str, Any]
    ) -> None:
        sms.send(outgoing(**other), soon())
        assert self.find(sms) is None

    def test_what_is_known_to_be_another_message_is_left_alone(self, sms: Channel, providers: SandboxClient) -> None:
        first, second = sms.send(outgoing(), soon()), sms.send(outgoing(), soon())
        assert isinstance(first, Accepted)
        assert isinstance(second, Accepted)
        assert self.find(sms, known=(second.provider_id,)) == first
        assert self.find(sms, known=(first.provider_id, second.provider_id)) is None

    def test_what_was_sent_before_is_another_message(self, sms: Channel, providers: SandboxClient) -> None:
        sms.send(outgoing(), soon())
        assert self.find(sms, ago=-120) is None, "the attempt in doubt began two minutes after"

    def test_what_twilio_gave_up_comes_to_nobody_twice(self, sms: Channel, providers: SandboxClient) -> None:
        providers.add_rule(reset=True, accept=True, final="undelivered", final_code=30003)
        sms.send(outgoing(), soon())
        assert self.find(sms) is None

    def test_a_young_doubt_waits_until_the_list_is_up_to_date(self, sms: Channel, providers: SandboxClient) -> None:
        pauses: list[float] = []

        def arrive_late(seconds: float) -> None:
            pauses.append(seconds)
            sms.send(outgoing(), soon())

        sms._lookup._pause = arrive_late  # type: ignore[attr-defined]
        assert isinstance(self.find(sms, ago=0.5), Accepted)
        assert pauses == [pytest.approx(1.5, abs=0.3)]

    def test_only_the_newest_are_read(self, sms: Channel, providers: SandboxClient) -> None:
        sms.send(outgoing(), soon())
        for _ in range(NEWEST):
            sms.send(outgoing(parts={"text": "later"}), soon())
        assert self.find(sms) is None

    def test_nobody_there_means_come_back(self, channel: Channels) -> None:
        found = self.find(channel("sms", TWILIO_API_URL=f"http://127.0.0.1:{closed_port()}"))
        assert found == Transient("asking_connection_refused", "ConnectionRefusedError")

    def test_who_may_not_read_cannot_ask(self, channel: Channels) -> None:
        assert self.find(channel("sms", TWILIO_AUTH_TOKEN="wrong")) is None

    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            ((500, {}, "{}"), Transient("asking_http_500")),
            ((503, {}, "<html>"), Transient("asking_http_503")),
            ((429, {"Retry-After": "7"}, "{}"), Throttled("asking_http_429", 7.0)),
            ((200, {}, "OK"), Transient("asking_unreadable_answer", "JSONDecodeError")),
            ((200, {}, "[]"), Transient("asking_unreadable_answer", "AttributeError")),
            ((404, {}, "{}"), None),
        ],
    )
    def test_each_answer_means_what_it_says(self, channel: Channels, answer: Any, expected: object) -> None:
        with answering(*answer) as url:
            assert self.find(channel("sms", TWILIO_API_URL=url)) == expected


class TestLookingUp:
    """What became of a message whose callback never came."""

    def look_up(self, sms: Channel, providers: SandboxClient, **answer: Any) -> Any:
        providers.add_rule(**answer)
        sent = sms.send(outgoing(), soon())
        assert isinstance(sent, Accepted)
        return sms.look_up(sent.provider_id, soon())

    def test_sent(self, sms: Channel, providers: SandboxClient) -> None:
        assert self.look_up(sms, providers) == DeliveryReport(ReceiptStatus.SENT)

    def test_undelivered_with_its_reason(self, sms: Channel, providers: SandboxClient) -> None:
        heard = self.look_up(sms, providers, final="undelivered", final_code=30005)
        assert heard == DeliveryReport(ReceiptStatus.UNDELIVERED, "twilio_30005", reason=Reason.ADDRESS_INVALID)

    def test_delivered(self, sms: Channel, providers: SandboxClient) -> None:
        providers.tell_statuses("sent")
        assert self.look_up(sms, providers) == DeliveryReport(ReceiptStatus.DELIVERED)

    def test_what_twilio_does_not_have(self, sms: Channel) -> None:
        assert sms.look_up("SM" + "0" * 32, soon()) is None
