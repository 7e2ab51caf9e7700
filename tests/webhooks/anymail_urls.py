"""As notifications.urls has them where django-anymail is installed."""

from django.urls import include, path

urlpatterns = [path("webhooks/anymail/", include("anymail.urls"))]
