"""Filters and order of the API's lists: `?ordering=-price,starts_at`."""

from datetime import UTC, datetime
from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import F, QuerySet
from django_filters.fields import IsoDateTimeField

from bookings.models import Booking, Slot


class MomentField(IsoDateTimeField):
    """A moment in UTC, because PostgreSQL does not accept every UTC offset of ISO 8601."""

    def clean(self, value: Any) -> datetime | None:
        moment: datetime | None = super().clean(value)
        try:
            return moment and moment.astimezone(UTC)
        except OverflowError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None


class MomentFilter(django_filters.IsoDateTimeFilter):
    field_class = MomentField


class Ordering(django_filters.OrderingFilter):
    """Ignores empty names between commas."""

    def filter(self, qs: QuerySet, value: list[str] | None) -> QuerySet:
        ordered: QuerySet = super().filter(qs, [name for name in value or () if name])
        return ordered


class SlotFilter(django_filters.FilterSet):
    starts_after = MomentFilter(field_name="starts_at", lookup_expr="gte")
    starts_before = MomentFilter(field_name="starts_at", lookup_expr="lt")
    has_seats = django_filters.BooleanFilter(method="with_seats", label="only slots with free seats, or without")

    ordering = Ordering(fields=("starts_at", "price", "title"))

    class Meta:
        model = Slot
        fields = ("currency",)

    def with_seats(self, queryset: QuerySet[Slot], name: str, value: bool) -> QuerySet[Slot]:  # noqa: FBT001  (the library's signature)
        free = {"seats_taken__lt": F("capacity") + F("lapsed_seats")}
        return queryset.filter(**free) if value else queryset.exclude(**free)


class BookingFilter(django_filters.FilterSet):
    ordering = Ordering(fields=(("created_at", "created_at"), ("slot__starts_at", "starts_at")))

    class Meta:
        model = Booking
        fields = ("status", "slot")
