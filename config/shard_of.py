"""Which shard a request belongs to, by its host or by its path. SHARD_OF names one of these, or a function of yours.

Such a function gets the request before anybody looked at its session, its user or its body, and returns the name of a
shard, or an empty text if it belongs to none. Both here go by the shards' public addresses, OUTBOX_SHARD_URLS.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port

from notifications.content.until_settings_change import until_settings_change

BY_HOST, BY_PATH = "config.shard_of.by_host", "config.shard_of.by_path"


def by_host(request: HttpRequest) -> str:
    """The shard whose address has the host of `request`. Raises DisallowedHost as Django does."""
    host, _ = split_domain_port(request.get_host())
    return _hosts().get(host, "")


def by_path(request: HttpRequest) -> str:
    """The shard whose path the request's begins with."""
    for shard, path in paths().items():
        if f"{request.path_info}/".startswith(f"{path}/"):
            return shard
    return ""


@until_settings_change
def paths() -> dict[str, str]:
    """Of each shard the path of its address, below SCRIPT_NAME and without a slash at its end; empty where hosts do."""
    mounted = settings.FORCE_SCRIPT_NAME or ""
    return {name: urlsplit(url).path.removeprefix(mounted) for name, url in settings.OUTBOX_SHARD_URLS.items()}


def wrong_with(function: str, urls: Mapping[str, str]) -> str:
    """Why `function`, one of these, could not tell the shards at `urls` apart; empty if it can."""
    if function not in (BY_HOST, BY_PATH):
        return f"SHARD_OF must be {BY_HOST}, {BY_PATH} or a function of yours, not {function}"
    if function == BY_HOST:
        told = {name: urlsplit(url).hostname for name, url in urls.items()}
        what, cure = "host", f"write {{shard}} into its host, or set SHARD_OF={BY_PATH}"
        if odd := next((name for name, host in told.items() if "_" in (host or "")), None):
            return f"PUBLIC_URL of the shard {odd} has a _ in its host, which no host has"
    else:
        told = {name: urlsplit(url).path for name, url in urls.items()}
        what, cure = "path", f"write {{shard}} into its path, or set SHARD_OF={BY_HOST}"
    if len(set(told.values())) < len(told):
        return f"PUBLIC_URL has the same {what} for several shards: {cure}"
    return ""


@until_settings_change
def _hosts() -> dict[str, str]:
    return {urlsplit(url).hostname or "": name for name, url in settings.OUTBOX_SHARD_URLS.items()}
