"""Addresses of the whole project."""

from django.contrib import admin
from django.urls import include, path

from bookings import webhooks
from config import health
from notifications.monitoring.views import metrics

urlpatterns = [
    path("", include("bookings.pages.urls")),
    path("api/staff/outbox/", include("notifications.api.urls")),
    path("api/", include("bookings.api.urls")),
    path("webhooks/payments/<slug:name>/", webhooks.payments, name="payment-webhook"),
    path("webhooks/", include("notifications.urls")),
    path("admin/outbox/", include("notifications.board.urls")),
    path("admin/", admin.site.urls),
    path("metrics", metrics),
    path("healthz", health.alive),
    path("readyz", health.ready),
]
handler400 = "config.error_views.bad_request"
handler403 = "config.error_views.forbidden"
handler404 = "config.error_views.not_found"
handler500 = "config.error_views.server_error"
