"""Customers in the admin: found by name, forgotten or exported for a reason, on record."""

import json

from django.contrib import admin, messages
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from bookings import bulk_actions
from bookings.admin.sales import ReadOnlyAdmin
from bookings.erasure import export_customer
from bookings.models import Customer
from notifications.admin.bulk_rows import listed
from notifications.admin.reasons import reason_or_page
from notifications.operations.record_action import Actor, record


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    list_display = ("id", "username", "is_active", "date_joined", "messages_link")
    search_fields = ("=id", "=username", "=email")
    fields = ("username", "email", "is_active", "date_joined", "last_login", "messages_link")
    readonly_fields = ("messages_link",)
    ordering = ("-id",)
    actions = (listed(bulk_actions.ERASE_CUSTOMERS), "export_selected")

    @admin.display(description="messages and notes")
    def messages_link(self, customer: Customer) -> str:
        return format_html(
            '<a href="{}">What they got</a>', reverse("admin:notifications_recipient_of_user", args=[customer.pk])
        )

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("bookings.export_customer")

    @admin.action(permissions=["export"], description="Export what we have of the selected customer")
    def export_selected(self, request: HttpRequest, queryset: QuerySet[Customer]) -> HttpResponse | None:
        if queryset.count() != 1:
            self.message_user(request, "Choose one customer: each gets their own data alone.", messages.ERROR)
            return None
        consequence = "A file with everything that we have of this person is downloaded."
        customer = queryset.get()
        reason = reason_or_page(request, self, customer, title="Export a customer", consequence=consequence)
        if not isinstance(reason, str):
            return reason
        record("export", actor=Actor.of(request.user), reason=reason, subject=f"user:{customer.pk}")
        text = json.dumps(export_customer(customer), cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
        answer = HttpResponse(text, content_type="application/json")
        answer["Content-Disposition"] = f'attachment; filename="customer-{customer.pk}.json"'
        answer["Cache-Control"] = "no-store"
        return answer
