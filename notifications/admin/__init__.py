"""Support's view of the outbox: find a message, see why it failed, replay it. Nothing here writes past the protocol."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from notifications import pausing
from notifications.admin import wishes
from notifications.admin.wishes import ConsentInline, WishesForm
from notifications.models import Channel, DeliveryAttempt, OperatorAction, OutboxMessage, Recipient, Relay
from notifications.replay import replay


class ReadOnly:
    """Rows that only the protocol writes: looked at here, never added, changed or deleted."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class AttemptInline(ReadOnly, admin.TabularInline):
    model = DeliveryAttempt
    verbose_name_plural = "attempts"
    fields = ("claim_number", "started_at", "ended_at", "answer", "code", "detail", "provider_id", "relay_id")
    ordering = ("claim_number",)
    extra = 0


class ActionInline(ReadOnly, admin.TabularInline):
    model = OperatorAction
    fields = ("acted_at", "action", "actor", "reason", "error_code")
    ordering = ("acted_at",)
    extra = 0


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnly, admin.ModelAdmin):
    list_display = (
        "id",
        "kind",
        "channel",
        "recipient_link",
        "status",
        "attempts",
        "error_code",
        "created_at",
        "finished_at",
    )
    list_filter = ("status", "channel", "kind", "error_code", "created_at")
    search_fields = ("=id", "recipient__phone", "recipient__email", "=about__reference", "=provider_id")
    search_help_text = "A message's ID or reference (booking:12), a phone number, an email address, or a provider's ID."
    list_select_related = ("recipient",)
    ordering = ("-id",)
    show_full_result_count = False
    inlines = (AttemptInline, ActionInline)
    actions = ("replay_selected",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboxMessage]:
        return super().get_queryset(request).select_related("recipient__user")

    @admin.display(description="recipient", ordering="recipient")
    def recipient_link(self, message: OutboxMessage) -> str:
        return str(message.recipient.user or message.recipient)

    @admin.action(permissions=["replay"], description="Replay selected failed messages")
    def replay_selected(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> None:
        chosen = list(queryset.values_list("id", flat=True))
        replayed = replay(chosen, actor=request.user.get_username(), reason="replayed in the admin", using=queryset.db)
        if replayed:
            self.message_user(
                request, f"Replayed {len(replayed)} messages; they go next in their lanes.", messages.SUCCESS
            )
        if skipped := len(chosen) - len(replayed):
            self.message_user(request, f"Left alone {skipped} messages that had not failed.", messages.WARNING)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("notifications.replay_outboxmessage"))


@admin.register(Recipient)
class RecipientAdmin(admin.ModelAdmin):
    list_display = ("id", "user", "phone", "email", "locale", "time_zone")
    search_fields = ("=id", "phone", "email")
    list_select_related = ("user",)
    raw_id_fields = ("user",)
    form = WishesForm
    inlines = (ConsentInline,)

    def save_model(self, request: HttpRequest, obj: Recipient, form: Any, change: bool) -> None:  # noqa: FBT001
        words = form.cleaned_data.get("opt_outs", obj.opt_outs)
        obj.opt_outs = form.initial.get("opt_outs", [])
        super().save_model(request, obj, form, change)
        wishes.save(obj, words, actor=request.user.get_username(), using=obj._state.db or "default")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # a recipient's row is the lock of its lanes

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("user",) if obj else ()


@admin.register(Channel)
class ChannelAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("name", "paused_at", "paused_by", "pause_reason", "broken_at", "probe_at", "recovered_at")
    ordering = ("name",)
    actions = ("pause_selected", "resume_selected")

    @admin.action(permissions=["pause"], description="Pause selected channels")
    def pause_selected(self, request: HttpRequest, queryset: QuerySet[Channel]) -> None:
        for channel in queryset:
            pausing.pause(channel.name, actor=request.user.get_username(), using=queryset.db)
            self.message_user(request, f"{channel} is paused.", messages.WARNING)

    @admin.action(permissions=["pause"], description="Resume selected channels")
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Channel]) -> None:
        for channel in queryset:
            pausing.resume(channel.name, actor=request.user.get_username(), using=queryset.db)
            self.message_user(request, f"{channel} goes on.", messages.SUCCESS)

    def has_pause_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("notifications.pause_channel"))


@admin.register(Relay)
class RelayAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("id", "host", "pid", "started_at", "heartbeat_at", "lease_until", "in_flight", "concurrency")
    ordering = ("id",)
