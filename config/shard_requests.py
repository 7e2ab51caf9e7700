"""Has each request work in the shard that it belongs to: its sessions, its users, its pages and its links.

SHARD_OF says which shard that is. Whatever belongs to none is answered with 404, in plain words. Browsers keep each
shard's cookies by names of their own, so one shard's never reach another, and neither ends the other's login.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, cast

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import get_script_prefix, set_script_prefix
from django.utils.module_loading import import_string

from bookings.api import problems
from bookings.pages import refusals
from config.shard_of import paths
from notifications.content.until_settings_change import until_settings_change
from notifications.shards import on_database, shards

ShardOf = Callable[[HttpRequest], str]
FOR_PROBES = frozenset({"/healthz", "/readyz"})  # they ask for the process, whichever shard it may work for
OF_THIS_HOST_ALONE = "__Host-"  # browsers want the path / with such a cookie


class Place(NamedTuple):
    """A shard, and the path that stands before all of its own; empty where it has a host."""

    shard: str
    path: str

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Within this block this thread works in the shard, and the addresses of its pages begin with the path."""
        outside = get_script_prefix()
        if self.path:
            set_script_prefix(f"{outside.rstrip('/')}{self.path}/")
        try:
            with on_database(self.shard):
                yield
        finally:
            set_script_prefix(outside)

    def streamed(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces of an answer that is still being made when the request is over, each made in the shard."""
        rest = iter(pieces)
        while True:
            with self.entered():
                piece = next(rest, None)
            if piece is None:
                return
            yield piece


class Shards:
    """Middleware, outside of all that knows sessions or users. Without SHARDS it is none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not shards():
            raise MiddlewareNotUsed
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        place = _place_of(request)
        if place is None:
            return self._without_a_shard(request)
        _take_off(request, place.path)
        with place.entered():
            _take_cookies(request, place.shard)
            answer = self._get_response(request)
            _name_cookies(answer, place, mounted=get_script_prefix().rstrip("/"))
        if answer.streaming:
            streaming = cast(StreamingHttpResponse, answer)
            streaming.streaming_content = place.streamed(cast(Iterable[bytes], streaming.streaming_content))
        return answer

    def _without_a_shard(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in FOR_PROBES:
            return _unknown(request)
        request.COOKIES = {}  # they would be looked for in a database
        return self._get_response(request)


@until_settings_change
def shard_of() -> ShardOf:
    """The function that SHARD_OF names. Raises ImportError."""
    found: ShardOf = import_string(settings.SHARD_OF)
    return found


def _place_of(request: HttpRequest) -> Place | None:
    shard = shard_of()(request)
    if shard not in shards():
        return None
    path = paths()[shard]
    return Place(shard, path) if f"{request.path_info}/".startswith(f"{path}/") else None


def _take_off(request: HttpRequest, path: str) -> None:
    """Let the request's path begin after the shard's."""
    if path:
        request.path_info = request.path_info.removeprefix(path) or "/"
        request.META["PATH_INFO"] = request.path_info
        request.META["SCRIPT_NAME"] = f"{request.META.get('SCRIPT_NAME', '')}{path}"


def _take_cookies(request: HttpRequest, shard: str) -> None:
    """Leave the request those cookies alone that this shard has set, by the names that it knows."""
    ending = f"-{shard}"
    request.COOKIES = {
        name.removesuffix(ending): value for name, value in request.COOKIES.items() if name.endswith(ending)
    }


def _name_cookies(answer: HttpResponse, place: Place, *, mounted: str) -> None:
    """Have the browser keep the answer's cookies as this shard's, for the shard's pages."""
    for name in list(answer.cookies):
        cookie, theirs = answer.cookies.pop(name), f"{name}-{place.shard}"
        if place.path and not name.startswith(OF_THIS_HOST_ALONE) and not cookie["path"].startswith(f"{mounted}/"):
            cookie["path"] = f"{mounted}{cookie['path']}"
        cookie.set(theirs, cookie.value, cookie.coded_value)
        answer.cookies[theirs] = cookie


def _unknown(request: HttpRequest) -> HttpResponse:
    """404. It names no shard: who asks need not know which there are."""
    if "text/html" in request.headers.get("Accept", ""):
        return refusals.nowhere(request)
    detail = "Nothing is booked at this address. Check the host and the path."
    return problems.answer(404, code="unknown_shard", detail=detail)
