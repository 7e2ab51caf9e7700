"""What Twilio is asked: whether it has a message whose answer was lost (G6), and what became of one it took."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from notifications.channels.base import Channel, Charge, DeliveryReport
from notifications.channels.twilio_message_log import NEWEST, charge_of
from notifications.lifecycle import Accepted, Reason, ReceiptStatus, Throttled, Transient
from notifications.sandbox.client import SandboxClient
from tests.channels.conftest import outgoing, soon
from tests.channels.servers import closed_port, read_request, scripted_server

Channels = Callable[..., Channel]


EN, DE = "HX" + "0e" * 16, "HX" + "0d" * 16


TEMPLATES = {"TWILIO_WHATSAPP_TEMPLATES": {"test.greeting": {"en": EN, "de": DE}}}


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
        words = {"began_ago": ago, "unknown_for": ago, "known": known, "deadline": soon()}
        return channel.find(message or outgoing(), **words)

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

        sms._message_log._pause = arrive_late  # type: ignore[attr-defined]
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
    def test_each_answer_to_the_question_means_what_it_says(
        self, channel: Channels, answer: Any, expected: object
    ) -> None:
        with answering(*answer) as url:
            assert self.find(channel("sms", TWILIO_API_URL=url)) == expected


class TestLookingUp:
    """What became of a message whose callback never came."""

    def look_up(self, sms: Channel, providers: SandboxClient, **answer: Any) -> Any:
        providers.add_rule(**answer)
        sent = sms.send(outgoing(), soon())
        assert isinstance(sent, Accepted)
        return sms.look_up(sent.provider_id, soon())

    def test_a_price_is_part_of_the_report_once_twilio_tells_it(self, sms: Channel, providers: SandboxClient) -> None:
        providers.set_prices(each="0.0075", after=0)
        charge = Charge(Decimal("0.00750"), "USD", 1)
        assert self.look_up(sms, providers).charge == charge
        providers.clear_rules()
        assert self.look_up(sms, providers, final="undelivered", final_code=30005).charge == charge
        providers.clear_rules()
        assert self.look_up(sms, providers, final="failed", final_code=30005).charge is None, "it is not charged"

    @pytest.mark.parametrize(
        ("price", "unit", "segments", "charge"),
        [
            ("-0.00750", "usd", "2", Charge(Decimal("0.0075"), "USD", 2)),
            ("0", "EUR", None, Charge(Decimal(0), "EUR")),
            ("0.5", "EUR", "x", Charge(Decimal("-0.5"), "EUR")),
            (None, "USD", "1", None),
            ("NaN", "USD", "1", None),
            ("-1e9", "USD", "1", None),
            ("-1", "dollars", "1", None),
            ("-1", None, "1", None),
        ],
    )
    def test_only_a_price_with_a_currency_is_one(
        self, price: Any, unit: Any, segments: Any, charge: Charge | None
    ) -> None:
        assert charge_of(SimpleNamespace(price=price, price_unit=unit, num_segments=segments)) == charge

    def test_sent(self, sms: Channel, providers: SandboxClient) -> None:
        assert self.look_up(sms, providers) == DeliveryReport(ReceiptStatus.SENT)

    def test_undelivered_with_its_reason(self, sms: Channel, providers: SandboxClient) -> None:
        heard = self.look_up(sms, providers, final="undelivered", final_code=30005)
        assert heard == DeliveryReport(ReceiptStatus.UNDELIVERED, "twilio_30005", reason=Reason.ADDRESS_INVALID)

    def test_twilio_says_delivered(self, sms: Channel, providers: SandboxClient) -> None:
        providers.tell_statuses("sent")
        assert self.look_up(sms, providers) == DeliveryReport(ReceiptStatus.DELIVERED)

    def test_what_twilio_does_not_have(self, sms: Channel) -> None:
        assert sms.look_up("SM" + "0" * 32, soon()) is None
