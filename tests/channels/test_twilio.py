"""SMS and WhatsApp: what reaches Twilio, and what each of its answers comes to."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.utils import formatdate
from typing import Any

import pytest

from notifications.channels.base import Channel
from notifications.content import media_links
from notifications.lifecycle import Accepted, Permanent, Reason, Throttled, Transient, Unknown
from notifications.policy.attachment import File
from notifications.sandbox.client import SandboxClient
from notifications.transport import http
from tests.channels.conftest import outgoing, soon
from tests.channels.servers import closed_port, created, drip, read_request, scripted_server, silence
from tests.stage.clocks import HostClock
from tests.stage.providers import PHONE
from tests.stage.waiting import wait_until

Channels = Callable[..., Channel]


def test_an_sms_is_accepted_with_twilios_sid(sms: Channel, providers: SandboxClient) -> None:
    outcome = sms.send(outgoing(parts={"text": "Grüße & 50 % 🎉"}), soon())

    [received] = providers.messages()
    assert outcome == Accepted(received.sid)
    assert received.parameters == {"To": PHONE, "From": "+14155550000", "Body": "Grüße & 50 % 🎉"}


def test_an_sms_can_go_through_a_messaging_service(channel: Channels, providers: SandboxClient) -> None:
    service = "MG" + "0" * 32
    outcome = channel("sms", TWILIO_MESSAGING_SERVICE_SID=service).send(outgoing(), soon())

    assert isinstance(outcome, Accepted)
    [received] = providers.messages()
    assert received.parameters == {"To": PHONE, "MessagingServiceSid": service, "Body": "Hello"}


@pytest.mark.parametrize("sender", ["+14155550001", "whatsapp:+14155550001"])
def test_whatsapp_addresses_carry_the_prefix_once(channel: Channels, providers: SandboxClient, sender: str) -> None:
    outcome = channel("whatsapp", TWILIO_WHATSAPP_FROM=sender).send(outgoing(), soon())

    [received] = providers.messages()
    assert outcome == Accepted(received.sid)
    assert received.channel == "whatsapp"
    assert received.parameters == {"To": f"whatsapp:{PHONE}", "From": "whatsapp:+14155550001", "Body": "Hello"}


def test_whatsapp_gets_a_link_to_the_file_and_sms_none(channel: Channels, providers: SandboxClient) -> None:
    message = outgoing(files=(File("receipt.pdf", "application/pdf", b"%PDF-"),))
    for name in ("whatsapp", "sms"):
        channel(name, PUBLIC_URL="https://kayaks.example").send(message, soon())
    channel("whatsapp").send(message, soon())  # without PUBLIC_URL: the words go alone

    with_file, *without = [received.parameters.get("MediaUrl", "") for received in providers.messages()]
    assert without == ["", ""]
    link, _, token = with_file.rstrip("/").rpartition("/")
    assert link == "https://kayaks.example/webhooks/media"
    assert media_links.read(token, now=time.time()) == (7, 0)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            {"status": 400, "code": 21211, "message": "No."},
            Permanent("twilio_21211", "No.", reason=Reason.ADDRESS_INVALID),
        ),
        ({"status": 400, "code": 21610, "message": "No."}, Permanent("twilio_21610", "No.", reason=Reason.OPTED_OUT)),
        ({"status": 400, "code": 99999, "message": "New."}, Permanent("twilio_99999", "New.")),
        ({"status": 403, "code": 20003, "message": "No."}, Transient("twilio_20003", "No.")),
        ({"status": 404, "raw": "<html>Not found</html>"}, Permanent("http_404", "Unable to create record")),
        ({"status": 408, "code": 1, "message": "Slow."}, Transient("twilio_1", "Slow.")),
        ({"status": 429, "message": "Slow.", "retry_after": 7}, Throttled("twilio_20429", 7.0, "Slow.")),
        ({"status": 429, "message": "Slow."}, Throttled("twilio_20429", 5.0, "Slow.")),
        ({"status": 400, "code": 14107, "message": "Slow."}, Throttled("twilio_14107", 5.0, "Slow.")),
        ({"status": 500, "message": "Ouch."}, Unknown("http_500", "Ouch.")),
        ({"status": 503, "message": "Ouch.", "retry_after": 7}, Unknown("http_503", "Ouch.")),
        ({"status": 502, "raw": "<html>Bad gateway</html>"}, Unknown("http_502", "Unable to create record")),
        ({"status": 302, "raw": "elsewhere"}, Unknown("http_302", "Unable to create record")),
        ({"reset": True, "accept": False}, Unknown("connection_reset", "ConnectionResetError")),
        ({"reset": True, "accept": True}, Unknown("connection_reset", "ConnectionResetError")),
    ],
)
def test_each_failure_means_what_it_says(
    sms: Channel, providers: SandboxClient, answer: dict[str, Any], expected: object
) -> None:
    providers.add_rule(**answer)

    assert sms.send(outgoing(), soon()) == expected
    assert len(providers.messages()) == 1, "sent once, without a hidden retry"


@pytest.mark.parametrize("ahead", [timedelta(hours=-1), timedelta(hours=1)], ids=str)
def test_a_date_to_come_back_at_is_one_of_twilios_clock(
    sms: Channel, providers: SandboxClient, host_clock: HostClock, ahead: timedelta
) -> None:
    providers.add_rule(status=429, retry_after=formatdate(time.time() + 60, usegmt=True))
    host_clock(ahead)
    outcome = sms.send(outgoing(), soon())

    assert isinstance(outcome, Throttled)
    assert 50.0 < outcome.retry_after <= 61.0


def test_a_wrong_token_is_worth_another_try(channel: Channels, providers: SandboxClient) -> None:
    outcome = channel("sms", TWILIO_AUTH_TOKEN="wrong").send(outgoing(), soon())

    assert outcome == Transient("twilio_20003", "Authenticate")


@pytest.mark.parametrize(
    "body",
    [
        *("", "OK", "<html>", "null", "[]", '"SM1"', "{}", '{"sid": null}', '{"sid": 5}', '{"sid": NaN}', "\ufeff{}"),
        *("[" * 100_000, '{"n": ' + "1" * 5000 + "}", '{"sid": "SM1", "date_created": {"no": "date"}}'),
    ],
    ids=lambda body: body[:20] or "nothing",
)
def test_a_success_that_cannot_be_read_is_unknown(sms: Channel, providers: SandboxClient, body: str) -> None:
    providers.add_rule(status=201, raw=body)

    outcome = sms.send(outgoing(), soon())

    assert isinstance(outcome, Unknown)
    assert outcome.code == "unreadable_answer"


def test_no_sms_was_sent_where_twilio_does_not_listen(channel: Channels) -> None:
    sms = channel("sms", TWILIO_API_URL=f"http://127.0.0.1:{closed_port()}")

    assert sms.send(outgoing(), soon()) == Transient("connection_refused", "ConnectionRefusedError")


def test_nothing_was_sent_to_a_host_without_an_address(channel: Channels) -> None:
    sms = channel("sms", TWILIO_API_URL="http://nowhere.invalid")

    assert sms.send(outgoing(), soon(30)) == Transient("dns_failure", "gaierror")


def test_an_answer_that_never_comes_is_unknown_at_the_deadline(sms: Channel, providers: SandboxClient) -> None:
    providers.add_rule(delay=30, accept=True)
    deadline = soon(0.5)

    outcome = sms.send(outgoing(), deadline)

    assert isinstance(outcome, Unknown)
    assert outcome.code == "timeout"
    assert deadline.is_past
    assert soon(-0.5).at < deadline.at, "returned within half a second of it"


@pytest.mark.parametrize("messages_before", [0, 1])
def test_a_body_that_drips_is_cut_at_the_deadline(
    sms: Channel, providers: SandboxClient, *, messages_before: int
) -> None:
    for _ in range(messages_before):
        sms.send(outgoing(), soon())  # on the connection that is used again below
    providers.add_rule(drip=0.02, accept=True)  # 20 s for the whole of it; each read gets its byte in time
    deadline = soon(0.5)

    outcome = sms.send(outgoing(), deadline)

    assert isinstance(outcome, Unknown)
    assert outcome.code == "timeout"
    assert soon(-0.5).at < deadline.at


def test_a_head_that_drips_is_cut_at_the_deadline(channel: Channels) -> None:
    stop = threading.Event()

    def answer_slowly(sock: Any) -> None:
        read_request(sock)
        drip(sock, b"HTTP/1.1 201 Created\r\nX-Long: " + b"x" * 10_000, stop=stop)

    with scripted_server(answer_slowly) as server:
        sms = channel("sms", TWILIO_API_URL=f"http://127.0.0.1:{server.port}")
        deadline = soon(0.5)
        outcome = sms.send(outgoing(), deadline)
        stop.set()

    assert isinstance(outcome, Unknown)
    assert soon(-0.5).at < deadline.at


def test_no_sms_is_sent_after_the_deadline(sms: Channel, providers: SandboxClient) -> None:
    sms.send(outgoing(), soon())  # leaves a connection open
    assert isinstance(sms.send(outgoing(), soon(-1)), Transient)
    assert isinstance(sms.send(outgoing(), soon(-1)), Transient)

    assert len(providers.messages()) == 1


def test_one_http_connection_serves_one_message_after_the_other(sms: Channel, providers: SandboxClient) -> None:
    for _ in range(3):
        deadline = soon(0.3)
        assert isinstance(sms.send(outgoing(), deadline), Accepted)
    wait_until(lambda: deadline.is_past)  # a deadline that was kept cuts nothing afterwards
    assert isinstance(sms.send(outgoing(), soon()), Accepted)

    assert len({received.client_port for received in providers.messages()}) == 1


def test_an_http_connection_idle_for_too_long_is_replaced(
    sms: Channel, providers: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sms.send(outgoing(), soon())
    monkeypatch.setattr(http, "MOST_IDLE_SECONDS", 0.0)
    assert isinstance(sms.send(outgoing(), soon()), Accepted)

    assert len({received.client_port for received in providers.messages()}) == 2


def test_an_http_connection_that_the_server_closed_meanwhile_is_replaced(channel: Channels) -> None:
    def answer_once(sock: Any) -> None:
        read_request(sock)
        sock.sendall(created())

    with scripted_server(answer_once) as server:
        sms = channel("sms", TWILIO_API_URL=f"http://127.0.0.1:{server.port}")
        assert isinstance(sms.send(outgoing(), soon()), Accepted)
        wait_until(lambda: server.closed == 1)
        assert isinstance(sms.send(outgoing(), soon()), Accepted)

        assert len(server.connections) == 2


def test_a_connection_lost_before_it_answers_is_not_tried_again(channel: Channels) -> None:
    with scripted_server(lambda sock: (read_request(sock), sock.close())) as server:
        sms = channel("sms", TWILIO_API_URL=f"http://127.0.0.1:{server.port}")
        outcome = sms.send(outgoing(), soon())

        assert isinstance(outcome, Unknown)
        assert outcome.code == "connection_reset"
        assert len(server.connections) == 1


def test_a_redirect_is_not_followed(channel: Channels) -> None:
    def redirect(sock: Any) -> None:
        head = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
        while request := read_request(sock):
            requests.append(request)
            sock.sendall(head)

    requests: list[bytes] = []
    with scripted_server(redirect) as server:
        outcome = channel("sms", TWILIO_API_URL=f"http://127.0.0.1:{server.port}").send(outgoing(), soon())

    assert isinstance(outcome, Unknown)
    assert len(requests) == 1


def test_many_threads_share_one_twilio_channel(sms: Channel, providers: SandboxClient) -> None:
    def send(number: int) -> tuple[int, object]:
        return number, sms.send(outgoing(parts={"text": str(number)}), soon(30))

    with ThreadPoolExecutor(32) as pool:
        outcomes = dict(pool.map(send, range(400)))

    received = {int(each.body): Accepted(each.sid) for each in providers.messages()}
    assert outcomes == received


def test_a_channel_can_be_closed_and_used_again(sms: Channel) -> None:
    sms.send(outgoing(), soon())
    sms.close()

    assert isinstance(sms.send(outgoing(), soon()), Accepted)


def test_silence_of_the_server_is_unknown(channel: Channels) -> None:
    with scripted_server(silence) as server:
        outcome = channel("sms", TWILIO_API_URL=f"http://127.0.0.1:{server.port}").send(outgoing(), soon(0.3))

    assert isinstance(outcome, Unknown)
    assert outcome.code == "timeout"
