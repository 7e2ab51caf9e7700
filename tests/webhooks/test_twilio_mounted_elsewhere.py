"""A project mounted under a path, or that includes notifications.urls elsewhere: addresses inside and outside agree."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.conf import settings as project
from django.conf.urls.i18n import i18n_patterns
from django.test import Client, override_settings
from django.urls import get_script_prefix, include, path, set_script_prefix
from django.utils import translation

from notifications.channels.twilio import SmsChannel
from notifications.checks.promises import addresses_are_public
from notifications.content.localization import localized
from notifications.content.unsubscribe_links import Subscription, link_for
from notifications.kinds import Purpose
from notifications.models import Recipient
from tests.factories.notifications import RecipientFactory
from tests.webhooks.twilio import FORM, inbound_fields, signature, status_fields

pytestmark = pytest.mark.django_db
HOST = "https://book.example.org"
URL = f"{HOST}/app"
TWILIO = {
    "TWILIO_SMS_FROM": "+14155550000",
    "TWILIO_MESSAGING_SERVICE_SID": "",
    "TWILIO_API_URL": "",
}

urlpatterns = [path("hooks/from/", include("notifications.urls"))]


def callback_url(**changes: Any) -> str:
    with override_settings(**TWILIO | changes):
        return SmsChannel.from_settings("sms", project)._callback_url


def link(recipient: Recipient) -> str:
    return link_for(Subscription(recipient.pk, "email", Purpose.REMINDER))


@pytest.fixture(autouse=True)
def _prefix() -> Iterator[None]:
    """A request with SCRIPT_NAME leaves it to its thread."""
    before = get_script_prefix()
    yield
    set_script_prefix(before)


def post_below(url: str, fields: dict[str, str]) -> int:
    """Post to `url` as its server hands it on: with SCRIPT_NAME=/app, signed over what Twilio was told."""
    parts = urlsplit(url)
    headers = {"HTTP_X_TWILIO_SIGNATURE": signature("", fields, url=url), "SCRIPT_NAME": "/app"}
    target = parts.path.removeprefix("/app")
    return int(Client().post(target, urlencode(fields), content_type=FORM, **headers).status_code)  # type: ignore[arg-type]


@pytest.mark.parametrize("public_url", [URL, f"{URL}/", HOST], ids=["with the path", "with a slash", "the host alone"])
def test_stop_is_heard_under_a_path(settings: Any, public_url: str) -> None:
    """The inbound address stands in Twilio's console, as the outside sees it, whatever PUBLIC_URL says of the path."""
    settings.PUBLIC_URL = public_url
    recipient = RecipientFactory(phone="+14155552671")
    assert post_below(f"{URL}/webhooks/twilio/inbound/", inbound_fields("STOP")) == 200
    recipient.refresh_from_db()
    assert recipient.opt_outs == ["sms"]


def test_another_path_than_the_public_one_is_not_signed(settings: Any) -> None:
    settings.PUBLIC_URL = f"{HOST}/other"
    assert post_below(f"{URL}/webhooks/twilio/inbound/", inbound_fields("STOP")) == 403


def test_a_relay_tells_twilio_where_the_web_is_mounted() -> None:
    """A relay has no requests, and so no SCRIPT_NAME."""
    assert callback_url(PUBLIC_URL=URL) == f"{URL}/webhooks/twilio/status/"


def test_links_name_the_path_once(settings: Any) -> None:
    set_script_prefix("/app/")  # what a web process does for each request that it gets with SCRIPT_NAME=/app
    recipient = RecipientFactory()
    for public_url in (URL, HOST):
        settings.PUBLIC_URL = public_url
        assert link(recipient).startswith(f"{URL}/webhooks/unsubscribe/")
        assert callback_url() == f"{URL}/webhooks/twilio/status/"


def test_a_proxy_may_take_the_path_away(settings: Any) -> None:
    settings.PUBLIC_URL = URL
    fields = inbound_fields("STOP")
    signed = signature("", fields, url=f"{URL}/webhooks/twilio/inbound/")
    answer = Client().post(
        "/webhooks/twilio/inbound/", urlencode(fields), content_type=FORM, headers={"X-Twilio-Signature": signed}
    )
    assert answer.status_code == 200


def test_twilio_is_told_where_the_urls_are_included(settings: Any) -> None:
    settings.ROOT_URLCONF, settings.PUBLIC_URL = __name__, HOST
    assert callback_url() == f"{HOST}/hooks/from/twilio/status/"
    assert link(RecipientFactory()).startswith(f"{HOST}/hooks/from/unsubscribe/")


@pytest.mark.parametrize("urls", ["tests.webhooks.no_urls", ""], ids=["not included", "a project of workers alone"])
def test_what_is_not_included_has_no_address(settings: Any, urls: str) -> None:
    settings.ROOT_URLCONF, settings.PUBLIC_URL = urls, HOST
    assert callback_url() == ""
    assert link(RecipientFactory()) == ""


INNER = [path("hooks/", include("notifications.urls"))]
AT = {
    "another namespace": [path("x/", include("notifications.urls", namespace="parcel-hooks"))],
    "inside another's namespace": [path("x/", include((INNER, "shop")))],
    "two namespaces down": [path("x/", include(([path("y/", include((INNER, "hooks")))], "shop"), namespace="eu"))],
    "by language": i18n_patterns(path("hooks/", include("notifications.urls"))),
    "by language but for one": i18n_patterns(
        path("hooks/", include("notifications.urls")), prefix_default_language=False
    ),
}


@pytest.fixture(params=AT)
def mounted(request: pytest.FixtureRequest, settings: Any) -> Iterator[None]:
    """A project that includes notifications.urls in this way."""
    settings.ROOT_URLCONF, settings.PUBLIC_URL = ModuleType(request.param), HOST
    settings.ROOT_URLCONF.urlpatterns = AT[request.param]
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    yield
    translation.activate(project.LANGUAGE_CODE)


@pytest.mark.usefixtures("mounted")
@pytest.mark.parametrize("language", ["en", "de", "de-AT", "sw"])
def test_a_link_works_wherever_the_urls_are_included(language: str) -> None:
    """Also for a recipient whose language the project's pages do not have."""
    recipient = RecipientFactory(locale=language)
    with localized(language, "UTC"):
        url = link(recipient)
    assert Client().post(url.removeprefix(HOST)).status_code == 200, url
    recipient.refresh_from_db()
    assert recipient.opt_outs == ["email:reminder"]


@pytest.mark.usefixtures("mounted")
def test_a_receipt_is_heard_wherever_the_urls_are_included() -> None:
    with translation.override("de"):
        url = callback_url()
    target, fields = url.removeprefix(HOST), status_fields("delivered")
    headers = {"X-Twilio-Signature": signature("", fields, url=url)}
    assert Client().post(target, urlencode(fields), content_type=FORM, headers=headers).status_code == 204


@pytest.mark.usefixtures("mounted")
def test_no_check_misses_urls_that_are_included() -> None:
    assert addresses_are_public() == []
