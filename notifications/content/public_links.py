"""Builds our own views' public addresses: for links in messages, and for providers' callbacks.

PUBLIC_URL is the site's public address, with the path that the site is mounted at, if any: `https://example.com/app`.
So relays, which never see SCRIPT_NAME, build the same addresses as web processes. Where shards have addresses of their
own, OUTBOX_SHARD_URLS says which.
"""

import re
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, get_script_prefix
from django.utils import translation
from django.utils.translation import get_supported_language_variant

from notifications.content.own_paths import path_of
from notifications.shards import current

ADDRESS = re.compile(r"(?:(?![?#\\])[!-~])+")


def public_link(view: str, *arguments: Any) -> str:
    """The public address of `view`; empty without PUBLIC_URL, or where the project's URLs do not include the view."""
    path = _path_of(view, *arguments)
    return _mount() + path if path and public_url() else ""


def is_included(view: str) -> bool:
    """Whether the project's URLs include `view`, which takes one argument or none."""
    return bool(_path_of(view) or _path_of(view, "argument"))


def called_as(request: HttpRequest) -> str:
    """The public address that `request` was sent to, made of PUBLIC_URL and never of what headers claim."""
    return public_url() + (request.get_full_path_info() if _names_a_path() else request.get_full_path())


def public_url() -> str:
    """PUBLIC_URL, or within a shard its own of OUTBOX_SHARD_URLS, without a slash at its end; empty if not set."""
    shard = current()
    own = getattr(settings, "OUTBOX_SHARD_URLS", {}).get(shard) if shard else None
    return str(own or getattr(settings, "PUBLIC_URL", "") or "").rstrip("/")


def is_public_address(url: str) -> bool:
    """Whether `url` can be PUBLIC_URL: an address of HTTP in ASCII, without a query or a password."""
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) and "@" not in parts.netloc
    except ValueError:  # a port or an IPv6 address that is none
        return False
    return bool(is_one) and bool(ADDRESS.fullmatch(url))


def _mount() -> str:
    """The address at which the project's URLs begin: with PUBLIC_URL's path if it has one, else the server's."""
    return public_url() if _names_a_path() else public_url() + _prefix()


def _names_a_path() -> bool:
    return bool(urlsplit(public_url()).path)


def _path_of(view: str, *arguments: Any) -> str:
    """The path of `view` from where the project's URLs begin; empty if they do not include it."""
    if not getattr(settings, "ROOT_URLCONF", ""):  # a project of workers alone
        return ""
    try:
        with translation.override(_language()):
            return path_of(view, *arguments).removeprefix(_prefix())
    except NoReverseMatch:
        return ""


def _language() -> str:
    """The language that a path may name (i18n_patterns): one that the project's pages have, as the recipient's may not
    be.
    """
    try:
        return get_supported_language_variant(translation.get_language() or settings.LANGUAGE_CODE)
    except LookupError:
        return settings.LANGUAGE_CODE


def _prefix() -> str:
    """SCRIPT_NAME or FORCE_SCRIPT_NAME as `reverse` writes it, without a slash at its end."""
    return quote(get_script_prefix(), safe="!$&'()*+,;=/~:@").rstrip("/")
