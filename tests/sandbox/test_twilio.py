"""The sandbox's Messages API answers in Twilio's shapes, with Twilio's numbers."""

import re
from email.utils import parsedate_to_datetime

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from notifications.channels.deadline import Deadline
from notifications.channels.twilio_client import PooledHttpClient
from notifications.sandbox.client import SandboxClient
from notifications.sandbox.resources import segments
from tests.stage.providers import FORM, PHONE, messages_url


def test_a_message_is_created_in_twilios_shape(providers: SandboxClient, twilio: requests.Session) -> None:
    answer = twilio.post(messages_url(providers), data=FORM)

    message = answer.json()
    assert answer.status_code == 201
    assert re.fullmatch("SM[0-9a-f]{32}", message["sid"])
    assert parsedate_to_datetime(message["date_created"]).tzinfo is not None
    path = f"/2010-04-01/Accounts/{providers.account_sid}/Messages/{message['sid']}"
    assert message | {"sid": "", "date_created": "", "date_updated": ""} == {
        "account_sid": providers.account_sid,
        "api_version": "2010-04-01",
        "body": "Hello",
        "date_created": "",
        "date_sent": None,
        "date_updated": "",
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": "+14155550000",
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": "",
        "status": "queued",
        "subresource_uris": {"media": f"{path}/Media.json"},
        "to": PHONE,
        "uri": f"{path}.json",
    }


def test_a_message_through_a_service_is_accepted_before_it_has_a_sender(
    providers: SandboxClient, twilio: requests.Session
) -> None:
    message = twilio.post(messages_url(providers), data={"To": PHONE, "MessagingServiceSid": "MG1", "Body": "x"}).json()

    assert (message["status"], message["from"], message["messaging_service_sid"]) == ("accepted", None, "MG1")
    assert message["num_segments"] == "0", "nobody knows yet"


def test_a_price_is_told_some_time_after_the_message_was_taken(
    providers: SandboxClient, twilio: requests.Session
) -> None:
    """Below zero, for each segment; and its journal counts the same."""
    created = twilio.post(messages_url(providers), data=FORM | {"Body": "x" * 161}).json()
    address = f"{messages_url(providers).removesuffix('.json')}/{created['sid']}.json"
    providers.set_prices(each="0.0075", after=3600)
    assert [created["price"], twilio.get(address).json()["price"]] == [None, None]
    providers.set_prices(each="0.0075", after=0)
    told = twilio.get(address).json()
    assert (told["price"], told["price_unit"], told["num_segments"]) == ("-0.01500", "USD", "2")
    (received,) = providers.messages()
    assert (received.price, received.segments) == ("0.0150", 2)


@pytest.mark.parametrize("wish", [{"each": 1}, {"each": "-1"}, {"after": -1}, {"after": True}, {"every": "1"}])
def test_a_price_that_is_none_is_refused(providers: SandboxClient, wish: dict[str, object]) -> None:
    answer = requests.post(f"{providers.http_url}/_sandbox/prices", json=wish, timeout=10)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": ""}, 21604),
        ({"From": ""}, 21603),
        ({"Body": ""}, 21602),
        ({"To": "4155552671"}, 21211),
        ({"To": "+1415555267x"}, 21211),
        ({"To": "whatsapp:4155552671", "From": "whatsapp:+14155550000"}, 21211),
        ({"To": "asha@example.com"}, 21211),
        ({"From": "no number, no name!"}, 21212),
        ({"To": f"whatsapp:{PHONE}"}, 21910),
        ({"Body": "x" * 1601}, 21617),
    ],
)
def test_a_mistake_is_refused_with_twilios_number(
    providers: SandboxClient, twilio: requests.Session, changes: dict[str, str], code: int
) -> None:
    answer = twilio.post(messages_url(providers), data=FORM | changes)

    error = answer.json()
    assert answer.status_code == error["status"] == 400
    assert error["code"] == code
    assert error["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    [received] = providers.messages()
    assert (received.accepted, received.answered, received.sid) == (False, 400, "")


def test_the_longest_text_is_accepted(providers: SandboxClient, twilio: requests.Session) -> None:
    assert twilio.post(messages_url(providers), data=FORM | {"Body": "é" * 1600}).status_code == 201


def test_parameters_in_json_are_not_seen(providers: SandboxClient, twilio: requests.Session) -> None:
    assert twilio.post(messages_url(providers), json=FORM).json()["code"] == 21604


@pytest.mark.parametrize("auth", [None, ("AC" + "0" * 32, "sandbox-auth-token"), ("AC" + "5a" * 16, "wrong")])
def test_wrong_credentials_are_refused(providers: SandboxClient, auth: tuple[str, str] | None) -> None:
    answer = requests.post(messages_url(providers), data=FORM, auth=auth, timeout=10)

    assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert providers.messages() == []


def test_what_does_not_exist_is_not_found(providers: SandboxClient, twilio: requests.Session) -> None:
    other_account = messages_url(providers).replace(providers.account_sid, "AC" + "0" * 32)

    for url in (messages_url(providers, "Calls"), messages_url(providers, "Messages/SM1"), other_account):
        answer = twilio.get(url)
        assert (answer.status_code, answer.json()["code"]) == (404, 20404)


def test_a_method_that_is_not_offered_is_refused(providers: SandboxClient, twilio: requests.Session) -> None:
    answer = twilio.put(messages_url(providers), data=FORM)

    assert (answer.status_code, answer.json()["code"]) == (405, 20004)


def test_twilios_own_client_reads_lists_and_errors(providers: SandboxClient) -> None:
    http = PooledHttpClient(providers.http_url)
    client = Client(providers.account_sid, providers.auth_token, http_client=http)
    with Deadline.after(60).enforced():
        created = [client.messages.create(to=PHONE, from_="+14155550000", body=str(number)) for number in range(7)]
        client.messages.create(to="+14155550009", from_="+14155550000", body="to another")
        listed = client.messages.list(to=PHONE, page_size=3)  # follows two links to further pages
        fetched = client.messages(created[0].sid).fetch()
        with pytest.raises(TwilioRestException) as raised:
            client.messages.create(to="nobody", from_="+14155550000", body="x")
    http.close()

    assert [message.sid for message in listed] == [message.sid for message in reversed(created)]
    assert (fetched.body, fetched.status, fetched.date_sent is not None) == ("0", "sent", True)
    assert (raised.value.status, raised.value.code) == (400, 21211)


def test_pages_link_to_one_another(providers: SandboxClient, twilio: requests.Session) -> None:
    for number in range(5):
        twilio.post(messages_url(providers), data=FORM | {"Body": str(number)})

    pages, path = [], f"{messages_url(providers)}?PageSize=2".removeprefix(providers.http_url)
    while path:
        pages.append(twilio.get(providers.http_url + path).json())
        path = pages[-1]["next_page_uri"]

    assert [[message["body"] for message in page["messages"]] for page in pages] == [["4", "3"], ["2", "1"], ["0"]]
    assert [(page["page"], page["start"], page["end"]) for page in pages] == [(0, 0, 1), (1, 2, 3), (2, 4, 4)]
    assert pages[0]["previous_page_uri"] is None
    assert pages[1]["previous_page_uri"] == pages[0]["uri"] == pages[0]["first_page_uri"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [("x" * 160, 1), ("x" * 161, 2), ("€" * 80, 1), ("€" * 81, 2), ("ж" * 70, 1), ("ж" * 71, 2), ("🎉" * 36, 2)],
)
def test_long_texts_take_several_segments(body: str, expected: int) -> None:
    assert segments(body) == expected
