"""Without DJANGO_DEBUG everything is closed unless somebody opens it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
NEEDED = {
    "DJANGO_SECRET_KEY": "x" * 60,
    "DJANGO_ALLOWED_HOSTS": "bookings.example.com",
    "PUBLIC_URL": "https://bookings.example.com",
    "SANDBOX_GATEWAY_SECRET": "a-secret",
    "EMAIL_URL": "smtp://localhost:25",
    "DATABASE_URL": "postgresql://user:password@localhost/bookings",
}
TOLD = """
import json
from config import settings
print(json.dumps({name: value for name, value in vars(settings).items() if name.isupper()}, default=str))
"""


def started(environment: dict[str, str], *, code: str = TOLD) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "EMAIL_", "PUBLIC_"))}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=clean | {"DJANGO_DEBUG": "0"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def production() -> dict[str, Any]:
    ended = started(NEEDED)
    assert ended.returncode == 0, ended.stderr
    settings: dict[str, Any] = json.loads(ended.stdout)
    return settings


@pytest.mark.parametrize(
    ("name", "value"),
    {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["bookings.example.com"],
        "CSRF_TRUSTED_ORIGINS": [],
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 365 * 24 * 3600,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SESSION_COOKIE_NAME": "__Host-sessionid",
        "CSRF_COOKIE_NAME": "__Host-csrftoken",
        "SECURE_REFERRER_POLICY": "same-origin",
        "X_FRAME_OPTIONS": "DENY",
        "SESSION_COOKIE_AGE": 12 * 3600,
        "WHITENOISE_USE_FINDERS": False,
        "LOG_FORMAT": "json",
    }.items(),
)
def test_what_production_begins_with(production: dict[str, Any], name: str, value: object) -> None:
    assert production[name] == value


@pytest.mark.parametrize("name", ["DJANGO_SECRET_KEY", "SANDBOX_GATEWAY_SECRET", "EMAIL_URL"])
def test_no_secret_has_a_default(name: str) -> None:
    ended = started({**NEEDED, name: ""})

    assert ended.returncode != 0
    assert f"{name} is not set" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_nothing_that_is_committed_is_a_key() -> None:
    """`.env`, where development's are, is written by `make`; git ignores it, and the image takes only what is named."""
    assert ".env" in (ROOT / ".gitignore").read_text().split()
    image = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in image
    assert not [line for line in image if line.startswith("!") and "env" in line]
