"""Which proxies are believed: those on this machine, and those that DJANGO_TRUSTED_PROXIES names."""

import ipaddress
from collections.abc import Callable, Iterable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT")


class NamedProxies:
    """Middleware, the outermost: nobody else's X-Forwarded-* headers reach the rest."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not (settings.PROXIES and is_named(request.META.get("REMOTE_ADDR", ""), settings.TRUSTED_PROXIES)):
            for header in FORWARDED:
                request.META.pop(header, None)
        return self._get_response(request)


def is_named(peer: str, networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    """Whether the connection's other end is a proxy of ours. A Unix socket has no address, and is on this machine."""
    if not peer:
        return True
    address = ipaddress.ip_address(peer.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or any(address in network for network in networks)


def is_public(host: str) -> bool:
    """Whether others than this machine reach a socket that is bound to `host`."""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


def refusal(addresses: Iterable[object]) -> str:
    """Why the web must not listen on these addresses (host and port, or a Unix socket's path); empty if it may."""
    if not settings.PROXIES or settings.TRUSTED_PROXIES:
        return ""
    hosts = [address[0] for address in addresses if isinstance(address, tuple)]
    public = [host for host in hosts if is_public(host)]
    if not public:
        return ""
    return (
        f"DJANGO_PROXIES={settings.PROXIES:g} believes what a proxy says of its clients, and {public[0]} can be "
        "reached past it: bind 127.0.0.1, or name the proxy's network in DJANGO_TRUSTED_PROXIES."
    )
