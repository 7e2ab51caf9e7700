"""What a proxy says of its client is believed of our proxies alone, and nobody gets past them unseen."""

import os
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from config.client_address import address_of
from config.proxies import NamedProxies
from tests.security.test_production_defaults import NEEDED, started

ROOT = Path(__file__).resolve().parent.parent.parent
CLIENT = "198.51.100.7"


@pytest.mark.parametrize(
    ("peer", "proxies", "is_believed"),
    [
        ("127.0.0.1", 1, True),
        ("::1", 1, True),
        ("::ffff:127.0.0.1", 1, True),
        ("", 1, True),  # a Unix socket
        ("10.1.2.3", 1, True),
        ("::ffff:10.1.2.3", 1, True),
        ("192.0.2.1", 1, False),  # a client that found the way past the proxy
        ("10.1.2.3", 0, False),
        ("127.0.0.1", 0, False),
    ],
)
def test_only_a_named_proxy_says_who_its_client_is(
    peer: str, proxies: int, is_believed: bool, settings: Settings, rf: RequestFactory
) -> None:
    settings.PROXIES, settings.TRUSTED_PROXIES = proxies, [ip_network("10.0.0.0/8")]
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"NUM_PROXIES": proxies}
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    seen: list[HttpRequest] = []

    NamedProxies(lambda request: seen.append(request) or HttpResponse())(
        rf.get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=CLIENT, HTTP_X_FORWARDED_PROTO="https")
    )

    assert (address_of(seen[0]) == CLIENT) == is_believed
    assert seen[0].is_secure() == is_believed


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "the proxy"])
def test_nobody_names_everybody(network: str) -> None:
    refused = started(NEEDED | {"DJANGO_TRUSTED_PROXIES": network})

    assert refused.returncode != 0
    assert "DJANGO_TRUSTED_PROXIES must" in refused.stderr


@pytest.mark.parametrize(
    ("bind", "trusted", "is_refused"),
    [("0.0.0.0:0", "", True), ("[::]:0", "", True), ("127.0.0.1:0", "", False), ("0.0.0.0:0", "10.0.0.0/8", False)],
)
def test_the_web_refuses_to_be_reached_past_its_proxy(bind: str, trusted: str, is_refused: bool) -> None:
    settings = {"DJANGO_DEBUG": "0", "DJANGO_PROXIES": "1", "DJANGO_TRUSTED_PROXIES": trusted}
    code = (
        "import types, gunicorn.config, runpy; config = gunicorn.config.Config(); config.set('bind', ['%s']);"
        "runpy.run_path('gunicorn.conf.py')['on_starting'](types.SimpleNamespace(cfg=config))"
    )
    started_web = subprocess.run(
        [sys.executable, "-c", code % bind],
        cwd=ROOT,
        env=os.environ | NEEDED | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (started_web.returncode != 0) == is_refused, started_web.stderr
    assert ("name the proxy's network in DJANGO_TRUSTED_PROXIES" in started_web.stderr) == is_refused
