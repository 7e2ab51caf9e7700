"""When something breaks, strangers learn nothing, and those who see the traceback no secret."""

import re
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client, override_settings
from django.urls import path
from django.views.debug import ExceptionReporter

from config import health
from config.urls import urlpatterns as ours

SECRET = "hunter2-is-the-secret"


def breaks(request: HttpRequest) -> None:
    password = SECRET
    raise RuntimeError(f"{SECRET} {password}")


urlpatterns = [path("breaks/", breaks), path("api/breaks/", breaks), *ours]
handler500 = "config.error_views.server_error"


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("address", ["/breaks/", "/api/breaks/"])
def test_a_stranger_learns_nothing_from_an_error(address: str) -> None:
    answer = Client(raise_request_exception=False).get(address)

    assert answer.status_code == 500
    for telling in (SECRET, "Traceback", "RuntimeError", "breaks", "django", "/work", "site-packages"):
        assert telling not in answer.content.decode(), telling


def test_no_address_is_told_which_ones_there_are() -> None:
    page = Client().get("/nowhere/").content.decode()

    assert "admin" not in page
    assert health.__name__ not in page


@pytest.mark.parametrize(
    "name",
    [
        "DATABASE_URL",
        "EMAIL_URL",
        "TWILIO_AUTH_TOKEN",
        "VONAGE_API_SECRET",
        "VONAGE_SIGNATURE_SECRET",
        "RESEND_API_KEY",
        "RESEND_WEBHOOK_SECRET",
        "SINCH_API_TOKEN",
        "SINCH_WEBHOOK_SECRET",
        "WHATSAPP_ACCESS_TOKEN",
        "WHATSAPP_APP_SECRET",
        "WHATSAPP_VERIFY_TOKEN",
        "STRIPE_SECRET_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "RAZORPAY_KEY_SECRET",
        "SANDBOX_GATEWAY_SECRET",
        "DJANGO_SECRET_KEY",
        "HTTP_AUTHORIZATION",
        "HTTP_X_TWILIO_SIGNATURE",
        "ALERT_WEBHOOK_URL",
    ],
)
def test_a_tracebacks_page_hides_what_the_environment_and_the_headers_carry(name: str, rf: Any) -> None:
    """Under `runserver` the whole environment is in a request's META."""
    report = ExceptionReporter(rf.get("/", **{name: f"smtp://user:{SECRET}@host"}), RuntimeError, RuntimeError(), None)

    assert SECRET not in report.get_traceback_html()
    assert SECRET not in report.get_traceback_text()


def test_a_tracebacks_page_hides_the_session(rf: Any) -> None:
    report = ExceptionReporter(rf.get("/", HTTP_COOKIE=f"sessionid={SECRET}"), RuntimeError, RuntimeError(), None)

    assert SECRET not in report.get_traceback_html() + report.get_traceback_text()


def test_a_tracebacks_page_hides_every_secret_among_the_settings(rf: Any) -> None:
    names = ("SECRET_KEY", "EMAIL_URL", "TWILIO_AUTH_TOKEN", "STRIPE_SECRET_KEY", "RAZORPAY_KEY_SECRET")
    with override_settings(**dict.fromkeys(names, SECRET)):
        text = ExceptionReporter(rf.get("/"), RuntimeError, RuntimeError(), None).get_traceback_text()

    assert SECRET not in text
    assert re.search(r"LANGUAGE_CODE = 'en'", text), "the rest is there"
