"""A chosen gateway whose secrets are missing stops the start with one line that names what is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django import Settings

from bookings.gateways import UnknownGateway, gateway

ROOT = Path(__file__).resolve().parent.parent.parent
SECRETS = {
    "razorpay": ("RAZORPAY_KEY_ID", "RAZORPAY_KEY_SECRET", "RAZORPAY_WEBHOOK_SECRET"),
    "stripe": ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"),
}


def check(**variables: str) -> subprocess.CompletedProcess[str]:
    known = {name for names in SECRETS.values() for name in names} | {"PAYMENT_GATEWAY"}
    inherited = {name: value for name, value in os.environ.items() if name not in known}
    return subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        cwd=ROOT,
        env=inherited | {"DJANGO_DEBUG": "1"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("name", "missing"), [(name, secret) for name, all_ in SECRETS.items() for secret in all_])
def test_a_missing_secret_is_named_in_one_line(name: str, missing: str) -> None:
    given = {secret: "given" for secret in SECRETS[name] if secret != missing}
    checked = check(PAYMENT_GATEWAY=name, **given)
    assert checked.returncode == 1
    assert checked.stderr.count("\n") <= 1
    assert f"{missing} is not set" in checked.stderr


@pytest.mark.parametrize("name", SECRETS)
def test_with_its_secrets_a_gateway_can_be_chosen(name: str) -> None:
    checked = check(PAYMENT_GATEWAY=name, **dict.fromkeys(SECRETS[name], "given"))
    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_gateway_that_nobody_knows_is_refused() -> None:
    assert "PAYMENT_GATEWAY must be one of sandbox, razorpay, stripe" in check(PAYMENT_GATEWAY="paypal").stderr


def test_a_gateway_without_its_secrets_is_unknown(settings: Settings) -> None:
    settings.RAZORPAY_KEY_ID = ""
    for name in ("razorpay", "paypal"):
        with pytest.raises(UnknownGateway, match=name):
            gateway(name)
