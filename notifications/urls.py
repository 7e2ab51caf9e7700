"""Where providers tell what became of messages: `path("webhooks/", include("notifications.urls"))`."""

from django.urls import path

from notifications.webhooks import twilio

app_name = "notifications"

urlpatterns = [
    path("twilio/status/", twilio.status, name="twilio-status"),
    path("twilio/inbound/", twilio.hear, name="twilio-inbound"),
]
