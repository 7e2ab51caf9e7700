"""The real clients against servers that cost little: nginx with a fixed answer for Twilio, and a mail server that
forgets what it was told. Each runs in a process of its own: nginx takes 0.02 ms for a message, the mail server 0.1.

Peers do in their tasks what the relay does for a message: render the kind's words, and call Twilio's client as it
comes.
"""

import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from tests.benchmarks.processes import Processes
from tests.benchmarks.work import CONTEXT, KIND, Missing

IS_REAL = "BENCHMARK_REAL_CHANNEL"  # which channel has its real client
REAL = {
    "sms": "notifications.channels.twilio.SmsChannel",
    "email": "notifications.channels.email.EmailChannel",
}
ACCOUNT, TOKEN, SENDER = f"AC{'1' * 32}", "a token of the benchmark", "+14155550000"
# Twilio's own answer to a message, with a SID that is new each time.
ANSWER = {
    "account_sid": ACCOUNT,
    "api_version": "2010-04-01",
    "body": "Booking confirmed",
    "date_created": "Sat, 05 Jan 2030 09:00:00 +0000",
    "date_sent": None,
    "date_updated": "Sat, 05 Jan 2030 09:00:00 +0000",
    "direction": "outbound-api",
    "error_code": None,
    "error_message": None,
    "from": SENDER,
    "messaging_service_sid": None,
    "num_media": "0",
    "num_segments": "1",
    "price": None,
    "price_unit": None,
    "sid": "SM$request_id",
    "status": "queued",
    "subresource_uris": {},
    "to": "+14155552345",
    "uri": "/2010-04-01/Accounts/Messages.json",
}
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
    access_log off; keepalive_requests 1000000000; default_type application/json;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; location / {{ return 201 '{answer}'; }} }}
}}
"""


@contextmanager
def running(channel: str) -> Iterator[dict[str, str]]:
    """Run the provider of `channel`; its environment leads the real client to it. Raises Missing, Failed."""
    provider = _nginx() if channel == "sms" else _mail_server()
    with provider as environment:
        yield {IS_REAL: channel, "NO_PROXY": "*"} | environment


@contextmanager
def _nginx() -> Iterator[dict[str, str]]:
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise Missing("nginx is not installed")
    with tempfile.TemporaryDirectory(prefix="benchmark-nginx-") as folder, Processes() as processes:
        port, config = _free_port(), Path(folder) / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, port=port, answer=json.dumps(ANSWER)))
        processes.start(program, "-e", "stderr", "-p", folder, "-c", str(config))
        processes.wait_until((Path(folder) / "nginx.pid").exists, otherwise="nginx did not start", pause=0.01)
        yield {
            "TWILIO_API_URL": f"http://127.0.0.1:{port}",
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_SMS_FROM": SENDER,
        }


@contextmanager
def _mail_server() -> Iterator[dict[str, str]]:
    with Processes() as processes:
        processes.start_python("-m", "tests.benchmarks.smtp_sink")
        processes.wait_until(processes.printed, otherwise="the mail server did not start", pause=0.01)
        port = processes.printed()
        yield {"EMAIL_URL": f"smtp://127.0.0.1:{port}", "DEFAULT_FROM_EMAIL": "Bookings <bookings@example.org>"}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def send_sms(number: int, user: int) -> None:
    """What a peer's task does for a message: the same words, and Twilio's client as it comes."""
    _messages().create(to=f"+49151{user:08}", from_=SENDER, body=_words(number)["text"])


def _words(number: int) -> Mapping[str, str]:
    from notifications.content.compose import Form, Reader, put_into_words  # noqa: PLC0415  (needs Django set up)

    form = Form("sms", {"text": "sms.txt"})
    return put_into_words(KIND, CONTEXT, form=form, reader=Reader(number, "en", "Europe/Berlin")).parts


@cache
def _messages() -> Any:
    from twilio.http.http_client import TwilioHttpClient  # noqa: PLC0415  (only what sends needs it)
    from twilio.rest import Client  # noqa: PLC0415

    class Redirected(TwilioHttpClient):  # type: ignore[misc]
        def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
            server = os.environ["TWILIO_API_URL"]
            return super().request(method, url.replace("https://api.twilio.com", server), *args, **options)

    return Client(ACCOUNT, TOKEN, http_client=Redirected()).messages
