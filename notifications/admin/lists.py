"""Admin lists that stay quick with millions of rows: they never count or scan the whole table.

Filters without an index cover only the latest messages, and older ones on request.
"""

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property

from notifications import kinds
from notifications.channels import channel_names
from notifications.lifecycle import Status
from notifications.models import OutboxMessage
from notifications.policy.support_words import status_words
from notifications.selectors import search

MOST_LISTED = 10_000  # a list ends there; use a filter to see others
FAILURES_READ = 1_000  # latest failures whose codes are offered as filters


class MoreThan(int):
    """So many that are listed, of more: wherever the number is written, it says so."""

    def __str__(self) -> str:
        return f"more than {int(self):,}"


class BoundedPaginator(Paginator):
    """Counts at most MOST_LISTED rows, in the list's order, so that it can use the list's index."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        counted = len(rows.values_list("pk", flat=True)[: MOST_LISTED + 1])
        return counted if counted <= MOST_LISTED else MoreThan(MOST_LISTED)


class OneOrder(ChangeList):
    """A list that is only sorted in the order of its index."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet) -> list[Any]:
        return ["-pk"]


class Word(admin.SimpleListFilter):
    """A filter by one of a few values that are known without reading the table."""

    def words(self, using: str) -> Iterable[str]:
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        known = set(self.words(model_admin.get_queryset(request).db))
        return [(word, word) for word in sorted(known | {self.value() or ""}) if word]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        word = (self.value() or "").replace("\x00", "")
        return queryset.filter(**{str(self.parameter_name): word}) if word else queryset


class StatusFilter(Word):
    """By the states, as support calls them."""

    title = "status"
    parameter_name = "status__exact"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(status.value, status_words(status.value)) for status in Status]


class KindFilter(Word):
    title = parameter_name = "kind"

    def words(self, using: str) -> Iterable[str]:
        return kinds.names()


class ChannelFilter(Word):
    title = parameter_name = "channel"

    def words(self, using: str) -> Iterable[str]:
        return channel_names()


class ErrorFilter(Word):
    """The codes of the latest failures."""

    title = "error"
    parameter_name = "error_code"

    def words(self, using: str) -> Iterable[str]:
        failed = OutboxMessage.objects.using(using).filter(status=Status.FAILED.value).order_by("-pk")
        return set(failed.values_list("error_code", flat=True)[:FAILURES_READ])


class WrittenFilter(admin.SimpleListFilter):
    """A filter by the day on which messages were written. IDs rise with time."""

    title = "day"
    parameter_name = "written"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("today", "Today"), ("yesterday", "Yesterday"), ("week", "The last 7 days"), ("month", "30 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        since, until = days(self.value())
        if since:
            queryset = queryset.filter(created_at__gte=since, pk__gte=search.first_id_since(since, using=queryset.db))
        if until:
            queryset = queryset.filter(created_at__lt=until, pk__lte=search.last_id_before(until, using=queryset.db))
        return queryset


class LookBack(admin.SimpleListFilter):
    """The range of messages that a filter without an index covers: the latest, or those before an ID."""

    title = "age"
    parameter_name = "before"

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        self._request = request
        super().__init__(request, *args)

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("latest", "the latest")]  # the choices are made once the list is

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset

    def choices(self, changelist: ChangeList) -> Any:
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=["before"]),
            "display": f"The latest {search.LATEST:,}",
        }
        seen = window_of(self._request)
        if seen and seen.low > 1:
            yield {
                "selected": False,
                "query_string": changelist.get_query_string({"before": seen.low}),
                "display": f"Further back, before {seen.low}",
            }


def days(word: str | None, *, now: datetime | None = None) -> tuple[datetime | None, datetime | None]:
    """From when until when a day's word reaches, in the current time zone; None is open."""
    today = timezone.make_aware(datetime.combine(timezone.localdate(now), time.min))
    day = timedelta(days=1)
    return {
        "today": (today, None),
        "yesterday": (today - day, today),
        "week": (today - 6 * day, None),
        "month": (today - 29 * day, None),
    }.get(word or "", (None, None))


def bounded(request: HttpRequest, messages: QuerySet, term: str) -> QuerySet:
    """Those of `messages` that `term` names, by way of an index; what has none, within a window of IDs."""
    before = request.GET.get("before", "")
    messages, window = search.narrow(
        messages,
        term,
        is_failed=request.GET.get("status__exact") == Status.FAILED.value,
        before=search.id_in(before),
        until=days(request.GET.get("written"))[1],
    )
    request.outbox_window = window  # type: ignore[attr-defined]
    return messages


def window_of(request: HttpRequest) -> search.Window | None:
    """The window that `bounded` set for this request."""
    return getattr(request, "outbox_window", None)
