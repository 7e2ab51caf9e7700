"""The admin page for failed logins, which belong to no app of ours."""

from axes.models import AccessAttempt
from django.contrib import admin

from bookings.admin import ReadOnlyAdmin
from config.users import StaffGroupAdmin, StaffUserAdmin

__all__ = ["FailedLoginAdmin", "StaffGroupAdmin", "StaffUserAdmin"]


@admin.register(AccessAttempt)
class FailedLoginAdmin(ReadOnlyAdmin):
    """Names and addresses whose logins fail. `manage.py axes_reset_username NAME` unlocks one."""

    list_display = ("id", "attempt_time", "username", "ip_address", "failures_since_start")
    fields = ("attempt_time", "username", "ip_address", "path_info", "failures_since_start")
    list_filter = ("attempt_time",)
    search_fields = ("=username", "=ip_address")
    ordering = ("-id",)
