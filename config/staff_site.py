"""The staff's site: which pages the admin has.

A page that came with a package does what its authors thought of: django-q2's runs any function of Python. So only pages
that this project wrote are registered, and a test holds the list of them.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.db.models import Model

OURS = ("config.", "bookings.", "notifications.")


class StaffSite(admin.AdminSite):
    """Django's admin site without the pages that packages bring along."""

    site_header = site_title = "Bookings"

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[ModelAdmin] | None = None,
        **options: Any,
    ) -> None:
        if admin_class is None or not f"{admin_class.__module__}.".startswith(OURS):
            return
        super().register(model_or_iterable, admin_class, **options)
