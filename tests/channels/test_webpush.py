"""Web push against the sandbox's push service, which checks who sends and decrypts as a browser would."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from notifications.channels.webpush import WebPushChannel
from notifications.channels.webpush_encryption import new_private_key, public_key_of
from notifications.lifecycle import Accepted, Outcome, Permanent, Reason, Throttled, Transient, Unknown
from notifications.policy.push import SERVICES, Device, is_at_a_service
from notifications.sandbox.client import Received, SandboxClient
from tests.channels.conftest import outgoing, soon

KEY = new_private_key()
WORDS = {"title": "Moved: Kayak tour", "text": "It starts at 18:00 now – see you there."}


@pytest.fixture
def channel(providers: SandboxClient) -> WebPushChannel:
    given = {
        "WEBPUSH_PRIVATE_KEY": KEY,
        "WEBPUSH_PUBLIC_KEY": public_key_of(KEY),
        "WEBPUSH_SERVICES": [providers.http_url],
    }
    return WebPushChannel.from_settings("webpush", SimpleNamespace(**given, WEBPUSH_CONTACT="mailto:us@example.org"))


def browser(providers: SandboxClient, place: int = 1, *, server_key: str = "") -> Device:
    signed_up = providers.sign_up_browser(server_key)
    return Device(place, signed_up["endpoint"], **signed_up["keys"])


def name_of(device: Device) -> str:
    return device.endpoint.rpartition("/")[2]


def send(channel: WebPushChannel, *devices: Device, **changes: Any) -> Outcome:
    facts: dict[str, Any] = {"address": "1", "parts": WORDS, "devices": devices}
    return channel.send(outgoing(**(facts | changes)), soon())


def arrived(providers: SandboxClient) -> list[Received]:
    return [each for each in providers.messages() if each.accepted]


def test_a_browser_can_read_it_and_knows_who_sends(channel: WebPushChannel, providers: SandboxClient) -> None:
    mine = browser(providers, server_key=public_key_of(KEY))
    outcome = send(channel, mine, locale="de", expires_in=90.5)
    assert isinstance(outcome, Accepted)
    assert outcome.provider_id.startswith(f"{providers.http_url}/message/")
    (got,) = arrived(providers)
    told = dict(got.parameters)
    headers: Any = told.pop("headers")
    assert told == {"title": WORDS["title"], "body": WORDS["text"], "tag": "outbox-7", "lang": "de"}
    assert {name: headers[name] for name in ("ttl", "urgency", "topic")} == {
        "ttl": "90",
        "urgency": "high",
        "topic": "outbox-7",
    }


def test_what_does_not_expire_soon_is_not_urgent_and_is_kept_for_weeks(
    channel: WebPushChannel, providers: SandboxClient
) -> None:
    send(channel, browser(providers))
    headers: Any = dict(arrived(providers)[0].parameters)["headers"]
    assert (headers["ttl"], headers["urgency"]) == ("2419200", "normal")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"status": 401}, Transient("http_401")),
        ({"status": 403}, Transient("http_403")),
        ({"status": 404}, Permanent("push_gone", reason=Reason.ADDRESS_INVALID)),
        ({"status": 410}, Permanent("push_gone", reason=Reason.ADDRESS_INVALID)),
        ({"status": 413}, Permanent("push_too_large")),
        ({"status": 429, "retry_after": "30"}, Throttled("http_429", 30.0)),
        ({"status": 400}, Permanent("http_400")),
        ({"status": 500}, Unknown("http_500")),
        ({"status": 503, "retry_after": "30"}, Unknown("http_503")),
    ],
)
def test_each_unpleasant_answer_has_its_outcome(
    channel: WebPushChannel, providers: SandboxClient, answer: dict[str, Any], outcome: Outcome
) -> None:
    providers.add_rule(channel="webpush", **answer)
    assert send(channel, browser(providers)) == outcome
    is_over = answer["status"] in (404, 410)
    assert channel.take_ended_devices() == ([1] if is_over else [])
    assert channel.take_ended_devices() == []


def test_of_several_browsers_one_that_takes_it_is_enough_and_the_dead_are_told(
    channel: WebPushChannel, providers: SandboxClient
) -> None:
    dead, slow, well = (browser(providers, place) for place in (1, 2, 3))
    providers.add_rule(channel="webpush", to=name_of(dead), status=410)
    providers.add_rule(channel="webpush", to=name_of(slow), status=429)
    assert isinstance(send(channel, dead, slow, well), Accepted)
    assert isinstance(send(channel, dead, slow), Throttled)
    assert channel.take_ended_devices() == [1, 1]


def test_another_key_is_not_believed(channel: WebPushChannel, providers: SandboxClient) -> None:
    theirs = browser(providers, server_key=public_key_of(new_private_key()))
    assert send(channel, theirs) == Transient("http_403")
    assert arrived(providers) == []


def test_a_server_that_is_no_push_service_is_not_asked(channel: WebPushChannel) -> None:
    inner = Device(5, "http://127.0.0.1:1/admin/", "BA", "AA")
    assert send(channel, inner) == Permanent("push_service_not_allowed", reason=Reason.ADDRESS_INVALID)
    assert channel.take_ended_devices() == [5]


def test_keys_that_are_none_are_forgotten(channel: WebPushChannel, providers: SandboxClient) -> None:
    broken = browser(providers)._replace(p256dh="BA")
    assert send(channel, broken).code == "push_gone"


def test_long_words_are_cut_to_what_a_push_service_takes(channel: WebPushChannel, providers: SandboxClient) -> None:
    mine = browser(providers)
    assert isinstance(send(channel, mine, parts={"title": "\x01" * 900, "text": "\x01" * 9_000}), Accepted)
    assert isinstance(send(channel, mine, parts={"title": "€" * 900, "text": "👍" * 9_000}), Accepted)
    assert all(str(dict(got.parameters)["body"]).endswith("…") for got in arrived(providers))
    assert len(json.dumps(dict(arrived(providers)[0].parameters)["body"])) < 4_000


def test_keys_that_are_no_pair_stop_the_start() -> None:
    given = {"WEBPUSH_PRIVATE_KEY": KEY, "WEBPUSH_CONTACT": "mailto:us@example.org"}
    for wrong, says in (
        ({"WEBPUSH_PUBLIC_KEY": public_key_of(new_private_key())}, "same pair"),
        ({"WEBPUSH_PRIVATE_KEY": "short"}, "is no key"),
        ({"WEBPUSH_CONTACT": "us@example.org"}, "must begin with"),
    ):
        with pytest.raises(ImproperlyConfigured, match=says):
            WebPushChannel.from_settings("webpush", SimpleNamespace(**(given | wrong)))


@pytest.mark.parametrize(
    ("endpoint", "is_one"),
    [
        ("https://fcm.googleapis.com/fcm/send/abc", True),
        ("https://updates.push.services.mozilla.com/wpush/v2/abc", True),
        ("https://web.push.apple.com/abc", True),
        ("https://wns2-par02p.notify.windows.com/w/?token=abc", True),
        ("https://fcm.googleapis.com:8443/fcm", False),
        ("https://fcm.googleapis.com@evil.example/", False),
        ("https://evil.example/fcm.googleapis.com", False),
        ("https://fcm.googleapis.com.evil.example/", False),
        ("http://fcm.googleapis.com/", False),
        ("https://fcm.googleapis.com/a b", False),
        ("https://fcm.googleapis.com/\r\nX: y", False),
        ("https://[::1/", False),
        ("", False),
    ],
)
def test_only_known_push_services_are_posted_to(endpoint: str, is_one: bool) -> None:
    assert is_at_a_service(endpoint, SERVICES) is is_one
