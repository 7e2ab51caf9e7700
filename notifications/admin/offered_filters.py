"""Lists of the admin are filtered by what their page offers, and by nothing else that somebody writes into the address.

Django lets the address name any field of the row, with any comparison. So whoever may see a list could find out, letter
by letter, what it does not show: an account's hashed password, a token's digest, an address in the record.
"""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.http import HttpRequest


class OfferedFilters:
    """For a ModelAdmin: a filter that is not in `list_filter`, or that PostgreSQL cannot take, is a 400."""

    get_list_filter: Any

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        field = lookup.partition("__")[0]
        return field in set(self._offered(request)) and "\x00" not in "".join(map(str, value))

    def _offered(self, request: HttpRequest | None) -> Iterator[str]:
        for each in self.get_list_filter(request):
            if isinstance(each, type) and issubclass(each, SimpleListFilter):
                yield (each.parameter_name or "").partition("__")[0]
            else:
                yield each if isinstance(each, str) else each[0]
