"""The addresses of providers' callbacks and of the unsubscribe page. They need no login.

`path("webhooks/", include("notifications.urls"))`
"""

from importlib.util import find_spec

from django.apps import apps
from django.urls import URLPattern, include, path

from notifications.recipients.unsubscribe_view import unsubscribe
from notifications.webhooks import meta, resend, sinch, vonage
from notifications.webhooks.media import media

app_name = "notifications"


def twilio_paths() -> list[URLPattern]:
    """None without the extra `twilio`, whose library checks the callbacks' signatures."""
    if find_spec("twilio") is None:
        return []
    from notifications.webhooks import twilio  # noqa: PLC0415

    return [
        path("twilio/status/", twilio.status, name="twilio-status"),
        path("twilio/inbound/", twilio.receive, name="twilio-inbound"),
    ]


# Email service providers, each under its own name.
esp = [path("anymail/", include("anymail.urls"))] if apps.is_installed("anymail") else []

urlpatterns = [
    *esp,
    path("unsubscribe/<str:token>/", unsubscribe, name="unsubscribe"),
    path("media/<str:token>/", media, name="media"),
    *twilio_paths(),
    path("sinch/", sinch.receive, name="sinch"),
    path("resend/", resend.receive, name="resend"),
    path("meta/", meta.receive, name="meta"),
    path("vonage/status/", vonage.status, name="vonage-status"),
    path("vonage/inbound/", vonage.receive, name="vonage-inbound"),
]
