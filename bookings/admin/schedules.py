"""The page of the schedules: what runs how often, how it went, and pausing and resuming, with a reason."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

from bookings import scheduled_tasks
from bookings.admin.sales import ReadOnlyAdmin
from bookings.scheduled_tasks import ScheduledTask
from notifications.admin.reasons import reason_or_page
from notifications.operations.record_action import Actor

PAUSE = "bookings.pause_scheduledtask"


@admin.register(ScheduledTask)
class ScheduledTaskAdmin(ReadOnlyAdmin):
    list_display = ("name", "state", "every", "last", "next", "history")
    list_display_links = None
    fields = ("name", "state", "every", "last", "next")
    ordering = ("name",)
    actions = ("pause_selected", "resume_selected")
    change_list_template = "admin/notifications/list.html"

    class Media:
        css = {"all": ("notifications/admin.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScheduledTask]:
        return ScheduledTask.objects.with_last_run()

    def has_pause_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return bool(user.has_perm(PAUSE))

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

    @admin.action(permissions=["pause"], description="Pause selected schedules")
    def pause_selected(self, request: HttpRequest, queryset: QuerySet[ScheduledTask]) -> HttpResponse | None:
        consequence = "These tasks no longer run until somebody resumes them. A run that has begun is finished."
        return self._switch(request, queryset, scheduled_tasks.pause, "Pause", consequence)

    @admin.action(permissions=["pause"], description="Resume selected schedules")
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[ScheduledTask]) -> HttpResponse | None:
        consequence = "These tasks run again, the first time at once. One run makes up for all that were missed."
        return self._switch(request, queryset, scheduled_tasks.resume, "Resume", consequence)

    def _switch(
        self,
        request: HttpRequest,
        queryset: QuerySet[ScheduledTask],
        switch: Callable[..., bool],
        verb: str,
        consequence: str,
    ) -> HttpResponse | None:
        reason = reason_or_page(request, self, queryset, title=f"{verb} schedules", consequence=consequence)
        if not isinstance(reason, str):
            return reason
        for name in queryset.order_by("name").values_list("name", flat=True):
            if switch(name, actor=Actor.of(request.user), reason=reason):
                self.message_user(request, f"“{name}” is {verb.lower()}d.", messages.SUCCESS)
            else:
                self.message_user(request, f"“{name}” was {verb.lower()}d already.", messages.WARNING)
        return None
