"""Slots, orders, payments, bookings, refunds and tokens. Each action asks for a reason and writes a record."""

from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone

from bookings import bulk_actions, slots
from bookings.admin.doors import booking_urls, slot_urls
from bookings.admin.slot_copies import SeriesForm
from bookings.form_conflicts import AnswersConflicts
from bookings.models import AccessToken, Booking, Order, Payment, Refund, Setback, Slot
from notifications.admin.bulk_rows import ActsOnRows, listed
from notifications.admin.changed_fields import ChangedFieldsAdmin, ChangedFieldsForm, RecordsDeletions
from notifications.admin.list_export import ListExport
from notifications.admin.odd_input import AnswersOddInput
from notifications.admin.offered_filters import OfferedFilters

MOST_TOLD_AT_ONCE = 100  # customers, within a request


class ReadOnlyAdmin(AnswersOddInput, ListExport, OfferedFilters, ActsOnRows, admin.ModelAdmin):
    """Rows that the domain writes: looked at here, never added, changed or deleted."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class SlotForm(ChangedFieldsForm):
    """A slot as staff describe it. How many seats are taken is not theirs to write."""

    def clean_capacity(self) -> int:
        capacity: int = self.cleaned_data["capacity"]
        if capacity < self.instance.seats_taken:
            raise ValidationError(f"{self.instance.seats_taken} seats are taken.")
        return capacity

    def clean_starts_at(self) -> datetime:
        """Of a start that has passed nobody is told, and a booking of it can no longer be cancelled."""
        starts_at: datetime = self.cleaned_data["starts_at"]
        now, before = timezone.now(), self.instance.starts_at
        if self.instance.seats_taken and before is not None and starts_at <= now < before:
            raise ValidationError("Seats are taken: move the slot to a time that is still to come, or cancel it.")
        return starts_at


@admin.register(Slot)
class SlotAdmin(AnswersOddInput, AnswersConflicts, ChangedFieldsAdmin, RecordsDeletions, ActsOnRows, admin.ModelAdmin):
    form = SlotForm
    list_display = (
        *("id", "title", "starts_at", "is_published", "capacity", "seats_taken"),
        *("price", "currency", "cancelled_at"),
    )
    list_filter = ("starts_at", "is_published", "currency", ("cancelled_at", admin.EmptyFieldListFilter))
    search_fields = ("=id", "title")
    readonly_fields = ("seats_taken", "cancelled_at")
    ordering = ("-starts_at",)
    actions = (
        listed(bulk_actions.COPY_SLOTS, form=SeriesForm),
        *map(listed, (bulk_actions.PUBLISH_SLOTS, bulk_actions.HIDE_SLOTS, bulk_actions.CANCEL_SLOTS)),
        listed(bulk_actions.DELETE_SLOTS),
    )

    def get_urls(self) -> list[Any]:
        return [*slot_urls(self.admin_site), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Slot, form: ModelForm, change: bool) -> None:  # noqa: FBT001
        has_moved = change and "starts_at" in form.changed_data
        if has_moved:
            slots.keep_told_starts(obj.pk)
        super().save_model(request, obj, form, change)
        if has_moved:
            transaction.on_commit(partial(self._tell_of_move, request, obj.pk), robust=True)

    def _tell_of_move(self, request: HttpRequest, slot_id: int) -> None:
        """Tell the first who are booked at once; of a crowd the scheduler tells the rest."""
        told = slots.tell_of_moves(slot_id=slot_id, limit=MOST_TOLD_AT_ONCE)
        if told:
            self.message_user(request, f"The new start is being told to {told} customer{'s'[: told != 1]}.")


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ("id", "gateway_order_id", "user", "slot", "quantity", "amount", "currency", "status", "created_at")
    list_filter = ("status", "created_at")
    search_fields = ("=id", "=gateway_order_id", "user__username")
    list_select_related = ("user", "slot")
    ordering = ("-id",)


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ("id", "payment_id", "order", "amount", "currency", "decision", "created_at")
    list_filter = ("decision",)
    search_fields = ("=payment_id", "=order__gateway_order_id")
    list_select_related = ("order",)
    ordering = ("-id",)
    actions = (listed(bulk_actions.BOOK_PAYMENTS), listed(bulk_actions.REFUND_PAYMENTS))


@admin.register(Booking)
class BookingAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "slot", "quantity", "status", "created_at", "cancelled_at")
    list_filter = ("status", "created_at")
    search_fields = ("=id", "user__username", "=payment__payment_id", "=order__gateway_order_id")
    list_select_related = ("user", "slot")
    ordering = ("-id",)
    actions = (listed(bulk_actions.CANCEL_BOOKINGS),)

    def get_urls(self) -> list[Any]:
        return [*booking_urls(self.admin_site), *super().get_urls()]


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "payment",
        "amount",
        "reason",
        "status",
        "gateway_state",
        "tries",
        "refusals",
        "error",
        "created_at",
        "succeeded_at",
    )
    list_filter = ("status", "reason")
    actions = (listed(bulk_actions.RESTART_REFUNDS),)
    search_fields = ("=payment__payment_id", "=gateway_refund_id")
    list_select_related = ("payment",)
    ordering = ("-id",)


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnlyAdmin):
    """Who may come in by token, and until when."""

    list_display = ("id", "user", "created_at", "expires_at")
    search_fields = ("=user__username",)
    fields = ("user", "created_at", "expires_at")
    ordering = ("-id",)
    actions = (listed(bulk_actions.END_TOKENS),)


@admin.register(Setback)
class SetbackAdmin(RecordsDeletions, ReadOnlyAdmin):
    """Rows on which a scheduled loop has failed; to delete one is to have its row tried at the next run."""

    list_display = ("id", "job", "row", "failures", "error", "next_try_at")
    list_filter = ("job",)
    ordering = ("-id",)
    actions = (listed(bulk_actions.DELETE_SETBACKS),)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)
