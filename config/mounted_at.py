"""Where the project is mounted: SCRIPT_NAME, the path that stands before all of ours, and PUBLIC_URL, which ends in it.

gunicorn reads SCRIPT_NAME from the environment and takes it off each request's path. Read here as well, it is known
before the first request, and to processes that have none. Otherwise static files keep the address that they had before
it, and links that relays write lack the path.
"""

import re

from config.environment import env, refuse

_below = env.str("SCRIPT_NAME", default="")
if _below and not re.fullmatch(r"(?:/[A-Za-z0-9._~-]+)+", _below):
    refuse(f"SCRIPT_NAME must be a path such as /app, without a slash at its end, not {_below!r}.")
FORCE_SCRIPT_NAME = _below or None
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://localhost:8000{_below}").rstrip("/")
if not PUBLIC_URL.endswith(_below):
    refuse(f"PUBLIC_URL must end in SCRIPT_NAME, as https://example.com{_below} does.")
