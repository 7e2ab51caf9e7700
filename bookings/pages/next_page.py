"""Where a customer wanted to go, as an address of a page carries it (`?next=`)."""

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme, urlencode


def if_ours(request: HttpRequest, wanted: str) -> str:
    """`wanted`, if it is a page of this site; else nothing."""
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else ""


def appended(address: str, wanted: str) -> str:
    """`address` of a page that leads to `wanted` afterwards, if there is one."""
    return f"{address}?{urlencode({'next': wanted})}" if wanted else address
