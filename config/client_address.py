"""Who is asking: the client's address, as far as proxies can be believed, and the network that it counts by."""

import ipaddress

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

IPV6_NETWORK = 64  # bits: whoever has one IPv6 address has all of its network
TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: IPv4 seen through a translator


def network_of(address: str | None) -> str | None:
    """The network that counts as one client: an IPv4 address, or 64 bits of an IPv6 one. None for anything else.

    An IPv4 address that is written as an IPv6 one (mapped, translated or tunnelled) counts as itself.
    """
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if inner := _ipv4_within(parsed):
        return str(inner)
    return str(ipaddress.ip_network((int(parsed), IPV6_NETWORK), strict=False).network_address)


def _ipv4_within(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def address_of(request: HttpRequest) -> str | None:
    """The client's network. DJANGO_PROXIES says how much of X-Forwarded-For is believed; NamedProxies, from whom."""
    claimed = (BaseThrottle().get_ident(Request(request)), request.META.get("REMOTE_ADDR", ""))
    return next(filter(None, map(network_of, claimed)), None)
