"""SMS through Vonage: what reaches it, what each answer comes to, what it is asked, and its description of it all."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from notifications.channels.base import Channel, Charge, State
from notifications.channels.vonage import VonageSmsChannel
from notifications.channels.vonage_codes import ERRORS
from notifications.checks.providers import registered_wordings_are_sent_along
from notifications.lifecycle import Accepted, Permanent, Reason, ReceiptStatus, Throttled, Transient, Unknown
from notifications.sandbox import VONAGE_KEY, VONAGE_SECRET
from notifications.sandbox.client import SandboxClient
from tests.channels.conftest import outgoing, soon
from tests.channels.servers import closed_port
from tests.stage.description import Description, described_server
from tests.stage.providers import PHONE

DLT = {
    "SMS_DLT_ENTITY_ID": "1101456324675322134",
    "SMS_DLT_TEMPLATES": {"test.greeting": {"en": "1107457532145798767", "hi": "1107457532145798768"}},
}
SMS_API = Description.read("vonage/sms_openapi.json", mount="/sms")
REPORTS_API = Description.read("vonage/reports_openapi.json")
Make = Callable[..., Channel]


@pytest.fixture
def vonage(providers: SandboxClient, settings: Settings) -> Iterator[Make]:
    made: list[Channel] = []

    def make(**changes: Any) -> Channel:
        settings.PUBLIC_URL = changes.pop("PUBLIC_URL", "")
        given = {
            "VONAGE_API_KEY": VONAGE_KEY,
            "VONAGE_API_SECRET": VONAGE_SECRET,
            "VONAGE_API_URL": providers.http_url,
            "VONAGE_SMS_FROM": "+14155550000",
        }
        made.append(VonageSmsChannel.from_settings("sms", SimpleNamespace(**(given | changes))))
        return made[-1]

    yield make
    for each in made:
        each.close()


def find(channel: Channel, **changes: Any) -> Any:
    words: dict[str, Any] = {"began_ago": 30.0, "unknown_for": 30.0, "known": (), "deadline": soon()}
    return channel.find(outgoing(), **(words | changes))


def test_an_sms_is_accepted_under_vonages_id_and_ours_goes_with_it(vonage: Make, providers: SandboxClient) -> None:
    outcome = vonage(PUBLIC_URL="https://book.example.org").send(
        outgoing(parts={"text": "Grüße 🎉"}, expires_in=90.0), soon()
    )

    [received] = providers.messages()
    assert outcome == Accepted(received.sid)
    assert received.to == PHONE
    assert received.parameters == {
        "api_key": VONAGE_KEY,
        "from": "14155550000",
        "to": PHONE[1:],
        "text": "Grüße 🎉",
        "type": "unicode",
        "client-ref": "outbox-7-3",
        "callback": "https://book.example.org/webhooks/vonage/status/",
        "ttl": "90000",
    }


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"code": 5, "message": "Internal"}, Unknown("vonage_5", "Internal")),
        ({"code": 1, "message": "Slow", "retry_after": 7}, Throttled("vonage_1", 7.0, "Slow")),
        ({"code": 4, "message": "Bad Credentials"}, Transient("vonage_4", "Bad Credentials")),
        ({"code": 9, "message": "Quota"}, Transient("vonage_9", "Quota")),
        ({"code": 15, "message": "Sender"}, Permanent("vonage_15", "Sender")),
        ({"code": 33, "message": f"{PHONE} is gone"}, Permanent("vonage_33", "… is gone", Reason.ADDRESS_INVALID)),
        ({"code": 77, "message": "New"}, Permanent("vonage_77", "New")),
        ({"status": 429, "retry_after": 9}, Throttled("http_429", 9.0)),
        ({"status": 401}, Transient("http_401")),
        ({"status": 404}, Permanent("http_404")),
        ({"status": 503}, Unknown("http_503")),
        ({"status": 302, "accept": True}, Unknown("http_302")),
        ({"raw": "<html>", "accept": True}, Unknown("unreadable_answer", "no messages")),
        ({"raw": "[" * 100_000, "accept": True}, Unknown("unreadable_answer", "no messages")),
        ({"raw": '{"messages": [{"status": "0"}]}', "accept": True}, Unknown("unreadable_answer", "no message-id")),
        ({"reset": True}, Unknown("connection_reset", "ConnectionResetError")),
    ],
)
def test_each_answer_has_its_outcome_with_vonage(
    vonage: Make, providers: SandboxClient, answer: dict[str, Any], expected: object
) -> None:
    providers.add_rule(**answer)
    assert vonage().send(outgoing(), soon()) == expected


def test_a_message_of_which_parts_went_out_is_not_sent_again_by_itself(vonage: Make, providers: SandboxClient) -> None:
    providers.add_rule(code=1, message="Slow", accept=True, body="long")
    message = outgoing(parts={"text": "long " * 60})

    assert vonage().send(message, soon()) == Unknown("vonage_partly_accepted", "Slow")
    assert vonage().send(outgoing(parts={"text": "short " * 60}), soon()) == Accepted(providers.messages()[-1].sid)
    assert find(vonage()) == Accepted(providers.messages()[-1].sid), "the newest of ours"


def test_what_is_not_listening_was_not_sent(vonage: Make) -> None:
    outcome = vonage(VONAGE_API_URL=f"http://127.0.0.1:{closed_port()}").send(outgoing(), soon())
    assert outcome == Transient("connection_refused", "ConnectionRefusedError")


class TestIndia:
    """Carriers there deliver only registered wordings."""

    def test_the_numbers_of_entity_and_template_go_along(self, vonage: Make, providers: SandboxClient) -> None:
        for locale in ("hi-IN", "fr"):
            vonage(**DLT).send(outgoing("+919876543210", locale=locale), soon())
        vonage(**DLT).send(outgoing(locale="hi"), soon())

        hindi, default, elsewhere = (received.parameters for received in providers.messages())
        assert (hindi["entity-id"], hindi["content-id"]) == ("1101456324675322134", "1107457532145798768")
        assert default["content-id"] == "1107457532145798767"
        assert "entity-id" not in elsewhere

    def test_what_is_not_registered_is_not_sent(self, vonage: Make, providers: SandboxClient) -> None:
        outcome = vonage(**DLT).send(outgoing("+919876543210", kind="test.other"), soon())
        assert isinstance(outcome, Permanent)
        assert outcome.code == "no_template"
        assert providers.messages() == []

    def test_a_provider_that_does_not_send_them_is_warned_of(self, settings: Settings) -> None:
        settings.SMS_DLT_ENTITY_ID = DLT["SMS_DLT_ENTITY_ID"]
        for name, found in (("sinch.SinchSmsChannel", ["notifications.W005"]), ("vonage.VonageSmsChannel", [])):
            settings.OUTBOX_CHANNELS = {"sms": f"notifications.channels.{name}"}
            assert [problem.id for problem in registered_wordings_are_sent_along()] == found

    @pytest.mark.parametrize(
        "wrong", [{"SMS_DLT_TEMPLATES": {}}, {"SMS_DLT_ENTITY_ID": "x"}, {"SMS_DLT_TEMPLATES": {"a.b": "1"}}]
    )
    def test_settings_that_do_not_fit_are_named(self, vonage: Make, wrong: dict[str, Any]) -> None:
        with pytest.raises(ImproperlyConfigured, match="SMS_DLT"):
            vonage(**(DLT | wrong))


class TestAsking:
    """After a lost answer, Vonage's reports are asked (G6)."""

    def test_what_it_has_is_found_by_our_reference_with_vonage(self, vonage: Make, providers: SandboxClient) -> None:
        sms = vonage()
        providers.add_rule(reset=True, accept=True, times=1)
        assert isinstance(sms.send(outgoing(), soon()), Unknown)
        sms.send(outgoing(message_id=8), soon())  # the same words to the same number
        ours, _ = providers.messages()

        assert find(sms) == Accepted(ours.sid)
        assert find(sms, known=(ours.sid,)) is None
        assert sms.find(outgoing("+14155552672"), began_ago=1, unknown_for=9, known=(), deadline=soon()) is None
        assert find(sms, began_ago=2 * 24 * 3600.0) == Accepted(ours.sid), "a day at a time"

    def test_what_it_gave_up_may_be_sent_again(self, vonage: Make, providers: SandboxClient) -> None:
        providers.add_rule(final="failed", final_code=8)
        sms = vonage()
        sms.send(outgoing(), soon())
        assert find(sms) is None

    def test_what_it_does_not_say_is_no_answer_with_vonage(self, vonage: Make, providers: SandboxClient) -> None:
        providers.down()
        assert find(vonage()) == Transient("asking_http_503")
        assert find(vonage(VONAGE_API_SECRET="wrong")) is None, "a key that may not read reports"
        nobody = vonage(VONAGE_API_URL=f"http://127.0.0.1:{closed_port()}")
        assert find(nobody) == Transient("asking_connection_refused", "ConnectionRefusedError")

    def test_what_became_of_a_message_and_what_it_cost(self, vonage: Make, providers: SandboxClient) -> None:
        providers.set_prices(each="0.0333", after=0.0)
        providers.add_rule(final="rejected", final_code=9)
        sms = vonage()
        accepted = sms.send(outgoing(), soon())
        report: Any = sms.look_up(accepted.provider_id, soon())

        assert (report.status, report.code) == (ReceiptStatus.UNDELIVERED, "vonage_receipt_9")
        assert report.reason is Reason.OPTED_OUT
        assert report.charge == Charge(Decimal("0.0333"), "EUR")
        assert sms.look_up("nobody", soon()) is None

    def test_the_credentials_can_be_tried_with_vonage(self, vonage: Make, providers: SandboxClient) -> None:
        assert vonage().probe(soon()).state is State.OK
        wrong = vonage(VONAGE_API_SECRET="wrong").probe(soon())
        assert (wrong.state, "VONAGE_API_SECRET" in wrong.said) == (State.WRONG, True)
        assert vonage(VONAGE_API_URL=f"http://127.0.0.1:{closed_port()}").probe(soon()).state is State.WRONG


class TestDescription:
    """Vonage's published descriptions allow what we send, and what the sandbox answers."""

    def test_what_we_send_and_ask_is_described_with_vonage(self, vonage: Make) -> None:
        with described_server(SMS_API, REPORTS_API) as described:
            sms = vonage(VONAGE_API_URL=described.url, PUBLIC_URL="https://book.example.org", **DLT)
            sms.send(outgoing("+919876543210", parts={"text": "नमस्ते"}, expires_in=90.0, locale="en"), soon())
            find(sms)
            sms.look_up("0A0000000123ABCD1", soon())
        assert described.refusals == []
        assert [path for _, path, _ in described.requests] == ["/sms/json", *2 * ["/v2/reports/records"]]

    def test_the_sandbox_answers_as_described_with_vonage(self, vonage: Make, providers: SandboxClient) -> None:
        vonage().send(outgoing(), soon())
        providers.set_prices(after=0.0)
        secrets = {"api_key": VONAGE_KEY, "api_secret": VONAGE_SECRET}
        form = {**secrets, "from": "Acme", "to": PHONE[1:], "text": "Hello"}
        for fields in (form, form | {"to": "x"}, form | {"api_secret": "wrong"}):
            answer = requests.post(f"{providers.http_url}/sms/json", data=fields, timeout=10)
            assert SMS_API.problems_of_answer(answer) == []
        query = {"account_id": VONAGE_KEY, "product": "SMS", "direction": "outbound", "id": providers.messages()[0].sid}
        answer = requests.get(
            f"{providers.http_url}/v2/reports/records", query, auth=(VONAGE_KEY, VONAGE_SECRET), timeout=10
        )
        assert len(answer.json()["records"]) == 1
        assert REPORTS_API.problems_of_answer(answer) == []

    def test_each_described_error_is_in_our_table(self) -> None:
        assert set(SMS_API.document["x-errors"]) == set(ERRORS)
