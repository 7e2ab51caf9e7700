"""Every list of the admin as CSV: what its filters leave, in its columns, the latest first; masked unless allowed.

Who may see a list may not therefore take all of it home: that needs a permission of its own, and is on record.
"""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.templatetags.admin_list import result_headers
from django.contrib.admin.utils import lookup_field
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import DataError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.html import strip_tags

from notifications.admin.csv_file import csv_file
from notifications.models.audit import Verb
from notifications.operations.record_action import Actor, record
from notifications.policy.masking import hint, with_hints

EXPORT = "notifications.export_lists"
EXPORT_PERSONAL = "notifications.export_personal_data"
BATCH = 1_000  # rows that are read at once
# Columns that say who somebody is, whatever stands in them; addresses are masked wherever they stand.
PERSONAL = frozenset(
    {"user", "username", "first_name", "last_name", "email", "phone", "ip_address", "customer", "recipient", "address"}
)


def latest_first(rows: QuerySet[Any]) -> Iterator[Any]:
    """The rows by falling key, read in batches: no cursor stays open, and no row is read twice."""
    rows = rows.order_by("-pk")
    batch = list(rows[:BATCH])
    while batch:
        yield from batch
        batch = list(rows.filter(pk__lt=batch[-1].pk)[:BATCH])


class ListExport:
    """For the bases of a ModelAdmin: a link to the list as CSV, for who may."""

    exports_its_list = True
    model: Any
    opts: Any
    admin_site: Any

    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view(self.list_export_view), f"{self._viewname}_csv"
        return [path("csv/", view, name=name), *super().get_urls()]  # type: ignore[misc]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = dict(extra_context or {})
        if self.exports_its_list and _may(request, EXPORT):
            address, query = reverse(f"admin:{self._viewname}_csv"), request.GET.urlencode()
            context["csv_url"] = f"{address}?{query}" if query else address
        answer: HttpResponse = super().changelist_view(request, context)  # type: ignore[misc]
        return answer

    def list_export_view(self, request: HttpRequest) -> HttpResponseBase:
        """What the list's filters leave, as CSV. That it was taken is on record, too."""
        if not self.exports_its_list:
            raise Http404
        admin: Any = self
        if not (admin.has_view_or_change_permission(request) and _may(request, EXPORT)):
            raise PermissionDenied
        try:
            changes = admin.get_changelist_instance(request)
            rows = changes.get_queryset(request)
            rows.exists()
        except (IncorrectLookupParameters, DataError, OverflowError):
            return HttpResponseBadRequest("The list cannot be filtered like that.", content_type="text/plain")
        is_whole = _may(request, EXPORT_PERSONAL)
        after = {"filters": request.GET.dict(), "personal": is_whole}
        record(Verb.EXPORT, actor=Actor.of(request.user), subject=self.opts.label_lower, after=after, using=rows.db)
        names = [name for name in changes.list_display if name != "action_checkbox"]
        header = [strip_tags(str(each["text"])) for each in result_headers(changes)]
        return csv_file(self.opts.model_name, header[-len(names) :], _cells(rows, names, admin, is_whole=is_whole))

    @property
    def _viewname(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"


def _cells(rows: QuerySet[Any], names: list[str], admin: Any, *, is_whole: bool) -> Iterator[list[Any]]:
    for row in latest_first(rows):
        yield [_cell(name, row, admin, is_whole=is_whole) for name in names]


def _cell(name: str, row: Model, admin: Any, *, is_whole: bool) -> Any:
    try:
        _, _, value = lookup_field(name, row, admin)
    except ObjectDoesNotExist:
        return ""
    is_personal = name.removesuffix("_link") in PERSONAL or isinstance(value, AbstractBaseUser)
    if value is None or (isinstance(value, (bool, int, float)) and not is_personal) or hasattr(value, "isoformat"):
        return value
    text = strip_tags(str(value))
    if is_whole or not text:
        return text
    return hint(text) if is_personal else with_hints(text)


def _may(request: HttpRequest, permission: str) -> bool:
    user: Any = request.user
    return bool(user.has_perm(permission))
