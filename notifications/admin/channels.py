"""Admin pages of the channels and their routes: their state, and the pages that change it, each with a reason.

They pause and resume a channel or a route, and move a channel to one of its routes and back.
"""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from notifications.admin.base import MOVE, PAUSE, ReadOnly, demand, may, page
from notifications.admin.forms import ReasonForm, RouteForm
from notifications.channels import channel_names
from notifications.channels.routes import route_keys, routed, routes_of
from notifications.lifecycle import Status
from notifications.models import ChannelState, OutboxMessage
from notifications.operations import move_channel, pause_channel
from notifications.operations.record_action import Actor
from notifications.policy.routes import channel_of

MOST_COUNTED = 10_000  # waiting messages; more are "more than"


@admin.register(ChannelState)
class ChannelAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("name", "paused_at", "paused_by", "pause_reason", "broken_at", "probe_at", "recovered_at")
    ordering = ("name",)
    change_list_template = "admin/notifications/list.html"

    class Media:
        css = {"all": ("notifications/admin.css",)}

    def get_list_display(self, request: HttpRequest) -> Any:
        is_routed = bool(routed())
        return [
            *self.list_display,
            *(["moved_to"] if is_routed else ()),
            *(["switch"] if may(request, PAUSE) else ()),
            *(["move"] if may(request, MOVE) and is_routed else ()),
        ]

    @admin.display(description="pause or resume")
    def switch(self, channel: ChannelState) -> str:
        verb = "resume" if channel.paused_at else "pause"
        address = reverse(f"admin:notifications_channelstate_{verb}", args=[channel.name])
        return format_html('<a href="{}">{}…</a>', address, verb.capitalize())

    @admin.display(description="move to a route")
    def move(self, channel: ChannelState) -> str:
        if channel.moved_to:
            address = reverse("admin:notifications_channelstate_move_back", args=[channel.name])
            return format_html('<a href="{}">Move back…</a>', address)
        if not routes_of(channel.name):
            return ""
        address = reverse("admin:notifications_channelstate_move", args=[channel.name])
        return format_html('<a href="{}">Move all to…</a>', address)

    def get_urls(self) -> list[URLPattern]:
        def named(view: Any, name: str) -> URLPattern:
            address: URLPattern = path(
                f"<str:name>/{name}/", self.admin_site.admin_view(view), name=f"notifications_channelstate_{name}"
            )
            return address

        return [
            named(self.pause_view, "pause"),
            named(self.resume_view, "resume"),
            named(self.move_view, "move"),
            named(self.move_back_view, "move_back"),
            *super().get_urls(),
        ]

    def pause_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Pause a channel: no relay claims messages for it."""
        return self._switch_view(request, name, pause_channel.pause, "is paused", "was already paused")

    def resume_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Resume a channel."""
        return self._switch_view(request, name, pause_channel.resume, "is resumed", "was not paused")

    def move_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Send everything by a channel over one of its routes."""
        demand(request, "notifications.view_channelstate", MOVE)
        names = [route.name for route in routes_of(name)] if name in channel_names() else []
        if not names:
            raise Http404(f"There is no channel {name} with several routes.")
        form = RouteForm(request.POST or None, names=names, initial={"route": request.GET.get("to", "")})
        if request.method == "POST" and form.is_valid():
            to, reason = form.cleaned_data["route"], form.cleaned_data["reason"]
            using = self.get_queryset(request).db
            has_changed = move_channel.move(name, to=to, actor=Actor.of(request.user), reason=reason, using=using)
            messages.success(request, f"{name} {'is' if has_changed else 'was already'} moved to {to}.")
            return HttpResponseRedirect(reverse("admin:notifications_channelstate_changelist"))
        return self._move_page(request, name, form, title=f"Move all of {name} to one route")

    def move_back_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Let a channel's shares or prices decide again."""
        demand(request, "notifications.view_channelstate", MOVE)
        channels: QuerySet[ChannelState] = self.get_queryset(request)
        if name not in channel_names() and not channels.filter(name=name).exclude(moved_to="").exists():
            raise Http404(f"There is no channel {name}.")
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            actor, reason = Actor.of(request.user), form.cleaned_data["reason"]
            has_changed = move_channel.move_back(name, actor=actor, reason=reason, using=channels.db)
            messages.success(request, f"{name} {'is moved back' if has_changed else 'was not moved'}.")
            return HttpResponseRedirect(reverse("admin:notifications_channelstate_changelist"))
        return self._move_page(request, name, form, title=f"Move {name} back to all of its routes")

    def _move_page(self, request: HttpRequest, name: str, form: ReasonForm, *, title: str) -> HttpResponse:
        channel = self.get_queryset(request).filter(name=name).first()
        is_back = not isinstance(form, RouteForm)
        return page(
            request, self, "channel/move.html", title=title, name=name, channel=channel, form=form, is_back=is_back
        )

    def _switch_view(self, request: HttpRequest, name: str, switch: Any, done: str, undone: str) -> HttpResponse:
        demand(request, "notifications.view_channelstate", PAUSE)
        channels: QuerySet[ChannelState] = self.get_queryset(request)
        channel = channels.filter(name=name).first()
        if channel is None and not any(name in (known, *route_keys(known)) for known in channel_names()):
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
            of_channel="" if name in channel_names() else channel_of(name),
            waiting=_waiting(name, using=channels.db),
            most_counted=MOST_COUNTED,
        )


def _waiting(name: str, *, using: str) -> int:
    """How many lanes have a waiting message of this channel in front."""
    heads = OutboxMessage.objects.using(using).filter(status=Status.PENDING.value, channel=name)
    return heads.order_by("channel", "next_attempt_at", "pk")[: MOST_COUNTED + 1].count()
