"""The addresses of providers' callbacks and of the unsubscribe page. They need no login.

`path("webhooks/", include("notifications.urls"))`
"""

from django.apps import apps
from django.urls import include, path

from notifications.recipients.unsubscribe_view import unsubscribe
from notifications.webhooks import twilio
from notifications.webhooks.media import media

app_name = "notifications"

# Email service providers, each under its own name.
esp = [path("anymail/", include("anymail.urls"))] if apps.is_installed("anymail") else []

urlpatterns = [
    *esp,
    path("unsubscribe/<str:token>/", unsubscribe, name="unsubscribe"),
    path("media/<str:token>/", media, name="media"),
    path("twilio/status/", twilio.status, name="twilio-status"),
    path("twilio/inbound/", twilio.receive, name="twilio-inbound"),
]
