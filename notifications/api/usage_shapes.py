"""The requests and answers of the staff API about usage. Months are those of UTC."""

from datetime import date
from typing import Any

from django.core.validators import ProhibitNullCharactersValidator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

NO_NULL = [ProhibitNullCharactersValidator()]


@extend_schema_field(OpenApiTypes.STR)
class MonthField(serializers.Field):
    """2026-11; its value is the month's first day."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return date.fromisoformat(f"{str(data).strip()}-01")
        except ValueError:
            raise serializers.ValidationError("A month is written like 2026-11.") from None

    def to_representation(self, value: date) -> str:
        return f"{value:%Y-%m}"


class PeriodQuerySerializer(serializers.Serializer):
    """Of which months, which channel and which country."""

    since = MonthField(help_text="the first month, 2026-01")
    until = MonthField(help_text="the last month, 2026-12")
    channel = serializers.CharField(required=False, max_length=32, validators=NO_NULL)
    country = serializers.CharField(required=False, max_length=2, help_text="ISO 3166-1 alpha-2", validators=NO_NULL)


def _by(groups: str, *, default: str) -> serializers.CharField:
    help_text = f"what to tell apart: {groups}; with commas between"
    return serializers.CharField(default=default, max_length=64, help_text=help_text, validators=NO_NULL)


class UsageQuerySerializer(PeriodQuerySerializer):
    by = _by("month, kind, channel, country", default="month,channel")
    kind = serializers.CharField(required=False, max_length=64, validators=NO_NULL)


class UsageLineSerializer(serializers.Serializer):
    """One line. `cost` is by currency, in its units; it and `segments` are of the `priced` copies."""

    month = MonthField(source="group.month", required=False)
    kind = serializers.CharField(source="group.kind", required=False)
    channel = serializers.CharField(source="group.channel", required=False)
    country = serializers.CharField(source="group.country", required=False, help_text="empty: not known")
    sent = serializers.IntegerField(source="counts.sent")
    failed = serializers.IntegerField(source="counts.failed")
    delivered = serializers.IntegerField(source="counts.delivered")
    undelivered = serializers.IntegerField(source="counts.undelivered")
    priced = serializers.IntegerField(source="counts.priced")
    segments = serializers.IntegerField(source="counts.segments")
    opt_outs = serializers.IntegerField(source="counts.opt_outs")
    cost = serializers.DictField(child=serializers.DecimalField(max_digits=20, decimal_places=6))
    delivery_rate = serializers.FloatField(allow_null=True, help_text="from 0 to 1")
    seconds_to_acceptance = serializers.FloatField(allow_null=True, help_text="the median")
    seconds_to_delivery = serializers.FloatField(allow_null=True, help_text="the median, from acceptance")


class UsageSerializer(serializers.Serializer):
    groups = serializers.ListField(child=serializers.CharField())
    results = UsageLineSerializer(many=True)


class SpendingQuerySerializer(PeriodQuerySerializer):
    by = _by("day, month, channel, route, country", default="month,channel,route")
    route = serializers.CharField(required=False, max_length=32, validators=NO_NULL)


class SpendingLineSerializer(serializers.Serializer):
    """One line, of one currency, in its units. `cost` is what providers told, of the `priced` copies; `estimated` what
    the `estimates` others cost by their routes' prices; `total` is both.
    """

    day = serializers.DateField(source="group.day", required=False)
    month = MonthField(source="group.month", required=False)
    channel = serializers.CharField(source="group.channel", required=False)
    route = serializers.CharField(source="group.route", required=False, help_text="empty: the channel had only one")
    country = serializers.CharField(source="group.country", required=False, help_text="empty: not known")
    currency = serializers.CharField()
    total = serializers.DecimalField(max_digits=20, decimal_places=6)
    cost = serializers.DecimalField(max_digits=20, decimal_places=6)
    priced = serializers.IntegerField()
    estimated = serializers.DecimalField(max_digits=20, decimal_places=6)
    estimates = serializers.IntegerField()


class SpendingSerializer(serializers.Serializer):
    groups = serializers.ListField(child=serializers.CharField())
    results = SpendingLineSerializer(many=True)
