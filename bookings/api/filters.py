"""How lists can be narrowed down and ordered: `?ordering=-price,starts_at`."""

import django_filters
from django.db.models import F, QuerySet

from bookings.models import Booking, Slot


class SlotFilter(django_filters.FilterSet):
    starts_after = django_filters.IsoDateTimeFilter(field_name="starts_at", lookup_expr="gte")
    starts_before = django_filters.IsoDateTimeFilter(field_name="starts_at", lookup_expr="lt")
    has_seats = django_filters.BooleanFilter(method="with_seats", label="only slots with free seats, or without")

    ordering = django_filters.OrderingFilter(fields=("starts_at", "price", "title"))

    class Meta:
        model = Slot
        fields = ("currency",)

    def with_seats(self, queryset: QuerySet[Slot], name: str, value: bool) -> QuerySet[Slot]:  # noqa: FBT001  (the library's signature)
        free = {"seats_taken__lt": F("capacity") + F("lapsed_seats")}
        return queryset.filter(**free) if value else queryset.exclude(**free)


class BookingFilter(django_filters.FilterSet):
    ordering = django_filters.OrderingFilter(fields=(("created_at", "created_at"), ("slot__starts_at", "starts_at")))

    class Meta:
        model = Booking
        fields = ("status", "slot")
