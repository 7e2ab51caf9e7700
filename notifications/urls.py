"""Where providers tell what became of messages, and where people unsubscribe, without a login.

`path("webhooks/", include("notifications.urls"))`
"""

from django.urls import path

from notifications.unsubscribe import unsubscribe
from notifications.webhooks import twilio

app_name = "notifications"

urlpatterns = [
    path("unsubscribe/<str:token>/", unsubscribe, name="unsubscribe"),
    path("twilio/status/", twilio.status, name="twilio-status"),
    path("twilio/inbound/", twilio.hear, name="twilio-inbound"),
]
