"""Addresses of the whole project."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config import health

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="docs")),
    path("api/auth/", include("rest_framework.urls")),
    path("api/", include("bookings.api.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.alive),
    path("readyz", health.ready),
]
handler500 = "config.errors.server_error"
