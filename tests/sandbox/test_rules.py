"""The sandbox fails to order, and says so where it cannot understand an order."""

import smtplib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from notifications.sandbox.client import SandboxClient
from tests.stage.providers import FORM, PHONE, messages_url, send_email


def statuses(providers: SandboxClient, twilio: requests.Session, *bodies: str, to: str = PHONE) -> list[int]:
    return [twilio.post(messages_url(providers), data=FORM | {"To": to, "Body": body}).status_code for body in bodies]


def test_a_rule_meets_only_what_it_matches(providers: SandboxClient, twilio: requests.Session) -> None:
    providers.add_rule(channel="sms", body="bad", status=503)
    providers.add_rule(to="+14155550009", status=500)
    providers.add_rule(channel="whatsapp", status=502)

    assert statuses(providers, twilio, "good", "a bad one", "good") == [201, 503, 201]
    assert statuses(providers, twilio, "good", to="+14155550009") == [500]
    send_email(providers, text="a bad one")

    providers.clear_rules()
    assert statuses(providers, twilio, "a bad one") == [201]


def test_a_rule_is_used_up_and_the_next_one_takes_over(providers: SandboxClient, twilio: requests.Session) -> None:
    providers.add_rule(times=2, status=503)
    providers.add_rule(times=1, status=429, retry_after=1)

    assert statuses(providers, twilio, *"abcde") == [503, 503, 429, 201, 201]


def test_chance_follows_its_seed(providers: SandboxClient, twilio: requests.Session) -> None:
    def run(seed: int) -> list[int]:
        providers.clear_rules()
        providers.add_rule(probability=0.3, seed=seed, status=503)
        return statuses(providers, twilio, *map(str, range(100)))

    first = run(seed=1)
    assert 15 < first.count(503) < 45
    assert run(seed=1) == first
    assert run(seed=2) != first


def test_a_message_can_be_kept_although_it_was_refused(providers: SandboxClient, twilio: requests.Session) -> None:
    providers.add_rule(status=500, accept=True)
    statuses(providers, twilio, "taken")

    [received] = providers.messages()
    assert (received.accepted, received.answered) == (True, 500)
    assert twilio.get(messages_url(providers, f"Messages/{received.sid}")).json()["body"] == "taken"


def test_an_email_is_matched_by_its_text_and_its_address(providers: SandboxClient) -> None:
    providers.add_rule(channel="email", body="bad", smtp=554)
    providers.add_rule(channel="email", to="nobody@example.com", smtp=550, at="rcpt")

    send_email(providers, text="good")
    with pytest.raises(smtplib.SMTPDataError):
        send_email(providers, text="a bad one")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send_email(providers, to="nobody@example.com")
    assert [(each.accepted, each.answered) for each in providers.messages()] == [
        (True, 250),
        (False, 554),
        (False, 550),
    ]


def test_hundreds_wait_at_once(providers: SandboxClient, twilio: requests.Session) -> None:
    providers.add_rule(delay=1.0)
    began = time.monotonic()
    with ThreadPoolExecutor(200) as pool:
        posts = [pool.submit(requests.post, messages_url(providers), data=FORM, auth=twilio.auth) for _ in range(200)]

    assert {post.result().status_code for post in posts} == {201}
    assert 1.0 <= time.monotonic() - began < 10, "200 s one after the other"


def test_a_provider_that_is_down_refuses_everything_until_it_is_up(
    providers: SandboxClient, twilio: requests.Session
) -> None:
    providers.down()
    assert statuses(providers, twilio, "early") == [503]
    with pytest.raises(smtplib.SMTPSenderRefused, match="421"):
        send_email(providers)

    providers.up()
    assert statuses(providers, twilio, "late") == [201]
    send_email(providers)
    assert [(each.channel, each.accepted) for each in providers.messages()] == [
        ("sms", False),
        ("email", False),
        ("sms", True),
        ("email", True),
    ]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ([], "rule must be an object"),
        ({"chanel": "sms"}, "rule has no field 'chanel'"),
        ({"match": {"text": "x"}}, "match has no field 'text'"),
        ({"answer": {"stauts": 1}}, "answer has no field 'stauts'"),
        ({"channel": "fax"}, "channel must be one of sms, whatsapp, email"),
        ({"times": "2"}, "times is of the wrong type"),
        ({"answer": {"delay": True}}, "delay is of the wrong type"),
        ({"answer": {"delay": -1}}, "delay and drip are not negative"),
        ({"answer": {"status": 99}}, "numbers from 200 to 599"),
        ({"answer": {"smtp": 550}}, "smtp needs the channel email"),
        ({"channel": "email", "answer": {"smtp": 550, "at": "ehlo"}}, "at must be one of mail, rcpt, data"),
        ({"channel": "email", "match": {"to": "x"}, "answer": {"smtp": 550, "at": "mail"}}, "not known yet"),
        ({"channel": "email", "match": {"body": "x"}, "answer": {"smtp": 550, "at": "rcpt"}}, "not known yet"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(providers: SandboxClient, rule: Any, words: str) -> None:
    answer = requests.post(f"{providers.http_url}/_sandbox/rules", json=rule, timeout=10)

    assert answer.status_code == 400
    assert words in answer.json()["error"]


@pytest.mark.parametrize("body", ["", "{", "[" * 100_000, "\xff"])
def test_a_rule_that_is_no_json_is_refused(providers: SandboxClient, body: str) -> None:
    assert requests.post(f"{providers.http_url}/_sandbox/rules", data=body, timeout=10).status_code == 400
    assert requests.post(f"{providers.http_url}/_sandbox/down", data=body, timeout=10).status_code == 400
