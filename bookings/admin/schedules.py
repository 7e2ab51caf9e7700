"""The page of the schedules: what runs how often, how it went, and pausing and resuming, with a reason."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

from bookings import bulk_actions
from bookings.admin.sales import ReadOnlyAdmin
from bookings.scheduled_tasks import ScheduledTask
from notifications.admin.bulk_rows import listed


@admin.register(ScheduledTask)
class ScheduledTaskAdmin(ReadOnlyAdmin):
    list_display = ("name", "state", "every", "last", "next", "history")
    list_display_links = None
    fields = ("name", "state", "every", "last", "next")
    ordering = ("name",)
    actions = (listed(bulk_actions.PAUSE_TASKS), listed(bulk_actions.RESUME_TASKS))
    change_list_template = "admin/notifications/list.html"

    class Media:
        css = {"all": ("notifications/admin.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScheduledTask]:
        return ScheduledTask.objects.with_last_run()

    @admin.display(description="state", ordering="repeats")
    def state(self, task: ScheduledTask) -> str:
        if task.is_paused:
            return format_html('<span class="outbox-state outbox-failed">{}</span>', "paused")
        return format_html('<span class="outbox-state outbox-sent">{}</span>', "on")

    @admin.display(description="every", ordering="minutes")
    def every(self, task: ScheduledTask) -> str:
        minutes = task.minutes or 1
        number, unit = (minutes // 60, "hour") if minutes % 60 == 0 else (minutes, "minute")
        return f"{number} {unit}{'s'[: number != 1]}"

    @admin.display(description="last run")
    def last(self, task: Any) -> str:
        if task.last_run is None:
            return "–"
        return f"{task.last_run:%Y-%m-%d %H:%M:%S}{'' if task.last_success else ', failed'}"

    @admin.display(description="next run", ordering="next_run")
    def next(self, task: ScheduledTask) -> str:
        return "–" if task.is_paused or task.next_run is None else f"{task.next_run:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="who paused or resumed it")
    def history(self, task: ScheduledTask) -> str:
        address = reverse("admin:notifications_operatoraction_changelist")
        return format_html('<a href="{}?{}">Record</a>', address, urlencode({"q": task.subject}))
