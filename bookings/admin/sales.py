"""Slots, orders, payments, bookings, refunds and tokens. Each action asks for a reason and writes a record."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from bookings import cancellation, decisions, refunds, slots
from bookings.admin.doors import booking_urls, slot_urls
from bookings.admin.slot_copies import CopiesSlots
from bookings.errors import BookingError, NotCancellable
from bookings.form_conflicts import AnswersConflicts
from bookings.models import AccessToken, Booking, Order, Payment, Refund, Setback, Slot
from notifications.admin.changed_fields import ChangedFieldsAdmin, ChangedFieldsForm, RecordsDeletions
from notifications.admin.list_export import ListExport
from notifications.admin.odd_input import AnswersOddInput
from notifications.admin.offered_filters import OfferedFilters
from notifications.admin.reasons import reason_or_page
from notifications.operations.record_action import Actor, record

MOST_TOLD_AT_ONCE = 100  # customers, within a request


class ReadOnlyAdmin(AnswersOddInput, ListExport, OfferedFilters, admin.ModelAdmin):
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
class SlotAdmin(AnswersOddInput, AnswersConflicts, ChangedFieldsAdmin, RecordsDeletions, CopiesSlots):
    form = SlotForm
    list_display = (
        *("id", "title", "starts_at", "is_published", "capacity", "seats_taken"),
        *("price", "currency", "cancelled_at"),
    )
    list_filter = ("starts_at", "is_published", "currency", ("cancelled_at", admin.EmptyFieldListFilter))
    search_fields = ("=id", "title")
    readonly_fields = ("seats_taken", "cancelled_at")
    ordering = ("-starts_at",)
    actions = ("copy_weekly", "publish", "hide", "cancel_selected")

    def get_urls(self) -> list[Any]:
        return [*slot_urls(self.admin_site), *super().get_urls()]

    @admin.action(permissions=["cancel"], description="Cancel selected slots, refund everyone booked and tell them")
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Slot]) -> HttpResponse | None:
        consequence = "Nobody can book these slots any more. Everyone booked is refunded in full and told."
        reason = reason_or_page(request, self, queryset, title="Cancel slots", consequence=consequence)
        if not isinstance(reason, str):
            return reason
        for slot in queryset.order_by("id"):
            booked = cancellation.cancel_slot(slot.pk, note=_noted(request, "cancel_slot", "slot", reason))
            said = f"{slot} is cancelled: {booked} booking{'s'[: booked != 1]} refunded in full, their customers told."
            self.message_user(request, said, messages.SUCCESS)
        return None

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

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return _may(request, "bookings.cancel_slot")


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
    actions = ("book_anyway", "give_back")

    @admin.action(permissions=["decide"], description="Book anyway what selected payments of another amount are for")
    def book_anyway(self, request: HttpRequest, queryset: QuerySet[Payment]) -> HttpResponse | None:
        done = "has booked, and its customer is told"
        return self._decide(request, queryset, decisions.book_anyway, verb="book_payment", done=done)

    @admin.action(permissions=["decide"], description="Refund selected payments of another amount")
    def give_back(self, request: HttpRequest, queryset: QuerySet[Payment]) -> HttpResponse | None:
        done = "is being refunded in full"
        return self._decide(request, queryset, decisions.give_back, verb="refund_payment", done=done)

    def _decide(
        self, request: HttpRequest, payments: QuerySet[Payment], decide: Callable[..., Any], *, verb: str, done: str
    ) -> HttpResponse | None:
        title = verb.replace("_", " ").capitalize()
        reason = reason_or_page(request, self, payments, title=title, consequence=f"Each payment {done}.")
        if not isinstance(reason, str):
            return reason
        for payment in payments.order_by("id"):
            try:
                decide(payment.pk, note=_noted(request, verb, "payment", reason))
            except BookingError as error:
                self.message_user(request, f"Payment {payment}: {error.message}", messages.ERROR)
            else:
                self.message_user(request, f"Payment {payment} {done}.", messages.SUCCESS)
        return None

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return _may(request, "bookings.decide_payment")


@admin.register(Booking)
class BookingAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "slot", "quantity", "status", "created_at", "cancelled_at")
    list_filter = ("status", "created_at")
    search_fields = ("=id", "user__username", "=payment__payment_id", "=order__gateway_order_id")
    list_select_related = ("user", "slot")
    ordering = ("-id",)
    actions = ("cancel_selected",)

    def get_urls(self) -> list[Any]:
        return [*booking_urls(self.admin_site), *super().get_urls()]

    @admin.action(permissions=["cancel"], description="Cancel selected bookings, and tell their customers")
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Booking]) -> HttpResponse | None:
        consequence = (
            "The seats are free again, and what the slot's rules give back is refunded. The customers are told."
        )
        reason = reason_or_page(request, self, queryset, title="Cancel bookings", consequence=consequence)
        if not isinstance(reason, str):
            return reason
        for booking in queryset.order_by("id"):
            try:
                note = _noted(request, "cancel_booking", "booking", reason)
                cancellation.cancel(booking.pk, by_staff=True, note=note)
            except NotCancellable as error:
                self.message_user(request, f"Booking {booking.pk}: {error.message}", messages.ERROR)
            else:
                self.message_user(request, f"Booking {booking.pk} is cancelled.", messages.SUCCESS)
        return None

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return _may(request, "bookings.cancel_booking")


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
    actions = ("start_again",)
    search_fields = ("=payment__payment_id", "=gateway_refund_id")
    list_select_related = ("payment",)
    ordering = ("-id",)

    @admin.action(permissions=["retry"], description="Start selected refunds that failed again")
    def start_again(self, request: HttpRequest, queryset: QuerySet[Refund]) -> HttpResponse | None:
        consequence = "The gateway is asked again, within a minute, to give the money back."
        reason = reason_or_page(request, self, queryset, title="Start refunds again", consequence=consequence)
        if not isinstance(reason, str):
            return reason
        for refund in queryset.order_by("id"):
            if refunds.start_again(refund.pk, note=_noted(request, "restart_refund", "refund", reason)):
                self.message_user(request, f"Refund {refund.pk} will be tried again within a minute.", messages.SUCCESS)
            else:
                self.message_user(request, f"Refund {refund.pk} has not failed.", messages.WARNING)
        return None

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return _may(request, "bookings.retry_refund")


def _noted(request: HttpRequest, verb: str, kind: str, reason: str) -> Callable[[Model], object]:
    """What writes the record of `verb` done to a row of `kind`, within the transaction that does it."""
    actor = Actor.of(request.user)
    return lambda row: record(verb, actor=actor, reason=reason, subject=f"{kind}:{row.pk}")


def _may(request: HttpRequest, permission: str) -> bool:
    user: Any = request.user
    return bool(user.has_perm(permission))


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnlyAdmin):
    """Who may come in by token, and until when."""

    list_display = ("id", "user", "created_at", "expires_at")
    search_fields = ("=user__username",)
    fields = ("user", "created_at", "expires_at")
    ordering = ("-id",)
    actions = ("end_selected",)

    @admin.action(permissions=["end"], description="End selected tokens")
    def end_selected(self, request: HttpRequest, queryset: QuerySet[AccessToken]) -> HttpResponse | None:
        consequence = "Whoever uses these tokens has to log in again."
        reason = reason_or_page(request, self, queryset, title="End tokens", consequence=consequence)
        if not isinstance(reason, str):
            return reason
        with transaction.atomic():
            for token in queryset.order_by("id"):
                _noted(request, "end_token", f"user:{token.user_id} token", reason)(token)
                token.delete()
        self.message_user(request, "The tokens are ended.", messages.SUCCESS)
        return None

    def has_end_permission(self, request: HttpRequest) -> bool:
        return _may(request, "bookings.delete_accesstoken")


@admin.register(Setback)
class SetbackAdmin(RecordsDeletions, ReadOnlyAdmin):
    """Rows on which a scheduled loop has failed; to delete one is to have its row tried at the next run."""

    list_display = ("id", "job", "row", "failures", "error", "next_try_at")
    list_filter = ("job",)
    ordering = ("-id",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)
