"""A project that has not included notifications.urls."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
