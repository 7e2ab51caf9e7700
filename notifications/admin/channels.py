"""Admin pages of the channels: their state, and pausing and resuming, with a confirmation and a reason."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from notifications.admin.base import PAUSE, ReadOnly, demand, may, page
from notifications.admin.forms import ReasonForm
from notifications.channels import channel_names
from notifications.lifecycle import Status
from notifications.models import ChannelState, OutboxMessage
from notifications.operations import pause_channel
from notifications.operations.record_action import Actor

MOST_COUNTED = 10_000  # waiting messages; more are "more than"


@admin.register(ChannelState)
class ChannelAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("name", "paused_at", "paused_by", "pause_reason", "broken_at", "probe_at", "recovered_at", "switch")
    ordering = ("name",)
    change_list_template = "admin/notifications/list.html"

    class Media:
        css = {"all": ("notifications/admin.css",)}

    def get_list_display(self, request: HttpRequest) -> Any:
        return self.list_display if may(request, PAUSE) else self.list_display[:-1]

    @admin.display(description="pause or resume")
    def switch(self, channel: ChannelState) -> str:
        verb = "resume" if channel.paused_at else "pause"
        address = reverse(f"admin:notifications_channelstate_{verb}", args=[channel.name])
        return format_html('<a href="{}">{}…</a>', address, verb.capitalize())

    def get_urls(self) -> list[URLPattern]:
        def named(view: Any, name: str) -> URLPattern:
            address: URLPattern = path(
                f"<slug:name>/{name}/", self.admin_site.admin_view(view), name=f"notifications_channelstate_{name}"
            )
            return address

        return [named(self.pause_view, "pause"), named(self.resume_view, "resume"), *super().get_urls()]

    def pause_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Pause a channel: no relay claims messages for it."""
        return self._switch_view(request, name, pause_channel.pause, "is paused", "was already paused")

    def resume_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Resume a channel."""
        return self._switch_view(request, name, pause_channel.resume, "is resumed", "was not paused")

    def _switch_view(self, request: HttpRequest, name: str, switch: Any, done: str, undone: str) -> HttpResponse:
        demand(request, "notifications.view_channelstate", PAUSE)
        channels: QuerySet[ChannelState] = self.get_queryset(request)
        channel = channels.filter(name=name).first()
        if channel is None and name not in channel_names():
            raise Http404(f"There is no channel {name}.")
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            actor = Actor.of(request.user)
            has_changed = switch(name, actor=actor, reason=form.cleaned_data["reason"], using=channels.db)
            messages.success(request, f"{name} {done if has_changed else undone}.")
            return HttpResponseRedirect(reverse("admin:notifications_channelstate_changelist"))
        return page(
            request,
            self,
            "channel/switch.html",
            title=f"{'Pause' if switch is pause_channel.pause else 'Resume'} {name}",
            is_pause=switch is pause_channel.pause,
            name=name,
            channel=channel,
            form=form,
            waiting=_waiting(name, using=channels.db),
            most_counted=MOST_COUNTED,
        )


def _waiting(name: str, *, using: str) -> int:
    """How many lanes have a waiting message of this channel in front."""
    heads = OutboxMessage.objects.using(using).filter(status=Status.PENDING.value, channel=name)
    return heads.order_by("channel", "next_attempt_at", "pk")[: MOST_COUNTED + 1].count()
