"""Where the project is mounted: SCRIPT_NAME, the path that stands before all of ours, and PUBLIC_URL, which ends in it.

gunicorn reads SCRIPT_NAME from the environment and takes it off each request's path. Read here as well, it is known
before the first request, and to processes that have none. Otherwise static files keep the address that they had before
it, and links that relays write lack the path.

Where there are shards, each has an address of its own: a host, or a path below SCRIPT_NAME (`https://example.com/north`).
"""

import os
import re
from urllib.parse import urlsplit

from config import shards
from config.environment import env, refuse
from notifications.content.public_links import is_public_address

_below = env.str("SCRIPT_NAME", default="")
if _below and not re.fullmatch(r"(?:/[A-Za-z0-9._~-]+)+", _below):
    refuse(f"SCRIPT_NAME must be a path such as /app, without a slash at its end, not {_below!r}.")
FORCE_SCRIPT_NAME = _below or None


def _of_shards(names: tuple[str, ...], default: str) -> dict[str, str]:
    """The public address of each shard."""
    urls = shards.of_each(shards.PUBLIC_URL, names, os.environ, default=default) if names else {}
    for name, url in urls.items():
        if not is_public_address(url):
            raise shards.Misread(f"PUBLIC_URL of the shard {name} must be https://host or https://host/path")
        if not f"{urlsplit(url).path}/".startswith(f"{_below}/"):
            raise shards.Misread(f"PUBLIC_URL of the shard {name} must begin with SCRIPT_NAME after the host")
    return {name: url.rstrip("/") for name, url in urls.items()}


_default = f"http://localhost:8000{_below}"
try:
    OUTBOX_SHARDS = shards.names(env.str("SHARDS", default=""), os.environ)
    if OUTBOX_SHARDS:
        _default = f"http://{shards.PLACE}.localhost:8000{_below}"
    OUTBOX_SHARD_URLS = _of_shards(OUTBOX_SHARDS, _default)
except shards.Misread as error:
    refuse(f"{error}.")
PUBLIC_URL = env.str("PUBLIC_URL", default=_default).rstrip("/")
if not OUTBOX_SHARDS and not PUBLIC_URL.endswith(_below):
    refuse(f"PUBLIC_URL must end in SCRIPT_NAME, as https://example.com{_below} does.")
