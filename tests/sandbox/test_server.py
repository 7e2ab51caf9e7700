"""The sandbox keeps everything it received, in order, shows it, and ends as it is told."""

import json
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from itertools import pairwise
from typing import Any

import pytest
import requests
from requests.auth import HTTPBasicAuth

from notifications.policy.attachment import File
from notifications.sandbox.client import SandboxClient, running_sandbox
from tests.stage.providers import FORM, messages_url, send_email


def test_everything_is_kept_in_order_over_all_channels(providers: SandboxClient, twilio: requests.Session) -> None:
    before = max((each.sequence for each in providers.messages()), default=0)
    twilio.post(messages_url(providers), data=FORM | {"Body": "first"})
    send_email(providers, text="second")
    twilio.post(messages_url(providers), data=FORM | {"Body": ""})
    to, sender = (f"whatsapp:{FORM[name]}" for name in ("To", "From"))
    twilio.post(messages_url(providers), data={"To": to, "From": sender, "Body": "fourth"})

    received = providers.messages(since=before)
    assert [(each.channel, each.body.strip(), each.accepted) for each in received] == [
        ("sms", "first", True),
        ("email", "second", True),
        ("sms", "", False),
        ("whatsapp", "fourth", True),
    ]
    assert [later.sequence - earlier.sequence for earlier, later in pairwise(received)] == [1, 1, 1]
    assert received == sorted(received, key=lambda each: each.received_at)
    assert received[1].outbox_id == 5
    assert providers.messages(since=received[1].sequence) == received[2:]


def test_a_long_record_is_read_to_its_end(providers: SandboxClient, twilio: requests.Session) -> None:
    providers.add_rule(status=503)  # refused attempts are records, too
    for number in range(1100):
        twilio.post(messages_url(providers), data=FORM | {"Body": str(number)})

    assert [int(each.body) for each in providers.messages()] == list(range(1100))


def test_the_oldest_are_forgotten_beyond_the_limit() -> None:
    with running_sandbox("--keep", "3") as sandbox, requests.Session() as session:
        session.auth = HTTPBasicAuth(sandbox.account_sid, sandbox.auth_token)
        sids = [session.post(messages_url(sandbox), data=FORM).json()["sid"] for _ in range(5)]

        assert [(each.sequence, each.sid) for each in sandbox.messages()] == list(enumerate(sids, 1))[2:]
        assert session.get(messages_url(sandbox, f"Messages/{sids[0]}")).status_code == 404


def test_the_page_shows_what_came_and_escapes_it(providers: SandboxClient, twilio: requests.Session) -> None:
    twilio.post(messages_url(providers), data=FORM | {"Body": "<script>alert(1)</script>{evil}"})
    send_email(providers, text="<img src=x onerror=alert(2)>")

    page = requests.get(f"{providers.http_url}/_sandbox/", timeout=10)

    assert page.headers["Content-Type"].startswith("text/html")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{evil}" in page.text
    assert "<script" not in page.text
    assert "<img" not in page.text


def test_the_page_is_an_inbox_in_which_an_emails_html_can_do_nothing(
    providers: SandboxClient, twilio: requests.Session
) -> None:
    twilio.post(
        messages_url(providers), data=FORM | {"Body": "Code 123456, or https://book.example.com/c/x-y/?a=1&b=2."}
    )
    html = '<p>Hi "you"</p><script>alert(1)</script><a href="https://book.example.com/">go</a>'
    send_email(providers, html=html)

    answer = requests.get(f"{providers.http_url}/_sandbox/", timeout=10)

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    link = '<a href="https://book.example.com/c/x-y/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">'
    assert link in answer.text
    frame = answer.text.split("<iframe")[1].split("</iframe>")[0]
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame, "no scripts, forms or origin"
    assert "&lt;p&gt;Hi &quot;you&quot;&lt;/p&gt;&lt;script&gt;" in frame


def test_the_pages_files_are_saved_and_never_opened(providers: SandboxClient) -> None:
    odd = '../<b>"é.html'
    evil = File(odd, "text/html", b"<script>alert(1)</script>")
    send_email(providers, html='<img src="cid:code">', files=[evil, File("code.png", "image/png", b"PNG", cid="code")])

    page = requests.get(f"{providers.http_url}/_sandbox/", timeout=10).text
    hrefs = re.findall(r'href="(/_sandbox/messages/[^"]+)" download', page)
    saved, image = (requests.get(providers.http_url + unescape(href), timeout=10) for href in hrefs)
    assert (saved.content, image.content) == (evil.content, b"PNG")
    assert saved.headers["Content-Type"] == "application/octet-stream"
    assert saved.headers["Content-Disposition"].startswith("attachment;")
    assert "sandbox" in saved.headers["Content-Security-Policy"]
    assert saved.headers["X-Content-Type-Options"] == "nosniff"
    assert "<b>" not in page
    shown = unescape(unescape(re.findall(r"/_sandbox/messages/\d+/file\?cid=code", page)[0]))
    assert requests.get(providers.http_url + shown, timeout=10).headers["Content-Type"] == "image/png"
    for nothing in ("999999999/file?name=a", f"{hrefs[0].split('/')[3]}/file?name=nothing", "x/file", "1/file"):
        assert requests.get(f"{providers.http_url}/_sandbox/messages/{nothing}", timeout=10).status_code == 404


def test_the_page_shows_what_went_to_one_address(providers: SandboxClient, twilio: requests.Session) -> None:
    for to in ("+14155550123", "+14155550199"):
        twilio.post(messages_url(providers), data=FORM | {"To": to})
    page = requests.get(f"{providers.http_url}/_sandbox/?to=0199", timeout=10).text
    assert "to +14155550199" in page
    assert "to +14155550123" not in page
    odd = requests.get(f"{providers.http_url}/_sandbox/", params={"to": '"><script>'}, timeout=10).text
    assert "<script" not in odd
    assert "Nothing has arrived yet." in odd


def start(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "notifications.sandbox", "--http-port", "0", "--smtp-port", "0", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_whatever_is_under_way(number: signal.Signals) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO")}
    with start(env=environment) as process:  # without any settings of Django's
        assert process.stdout is not None
        addresses = json.loads(process.stdout.readline())
        with SandboxClient(**addresses) as sandbox, ThreadPoolExecutor(1) as pool:
            sandbox.add_rule(delay=60)
            waiting = pool.submit(
                requests.post, messages_url(sandbox), data=FORM, auth=(sandbox.account_sid, sandbox.auth_token)
            )
            while not sandbox.messages():
                assert not waiting.done()
            process.send_signal(number)
            _, errors = process.communicate(timeout=10)

            assert isinstance(waiting.exception(timeout=10), requests.ConnectionError)
    assert sorted(addresses) == ["account_sid", "email_url", "http_url"]
    assert (process.returncode, errors) == (0, "")


def test_it_ends_with_its_parent() -> None:
    with start("--end-with-parent", stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.communicate(timeout=10)  # closes its standard input, as the parent's death does

    assert process.returncode == 0
