"""A web process says which release it runs, whenever a probe, Prometheus or somebody at the board asks: at most once a
minute. The alert about relays of another release rests on it.
"""

import time
from collections.abc import Callable

from django.db import DEFAULT_DB_ALIAS, DatabaseError

from notifications.content.release import release
from notifications.protocol.bad_rows import report
from notifications.protocol.run_sql import execute
from notifications.shards import within_shard

EVERY_SECONDS = 60.0
# One that comes back, as after a rollback, is as new as it was the first time.
HEARD = """
INSERT INTO notifications_webrelease AS web (release) VALUES (%(release)s)
ON CONFLICT (release) DO UPDATE SET seen_at = now(), first_seen_at =
    CASE WHEN web.seen_at < now() - interval '5 minutes' THEN now() ELSE web.first_seen_at END
"""

_told: dict[str, float] = {}  # by database: when


def tell_release(using: str = DEFAULT_DB_ALIAS, *, clock: Callable[[], float] = time.monotonic) -> None:
    """Write down that a web process of this release runs. Whoever asked gets an answer, whatever the database says."""
    now, told = clock(), within_shard(using)
    if now - _told.get(told, -EVERY_SECONDS) < EVERY_SECONDS:
        return
    _told[told] = now
    try:
        execute(HEARD, {"release": release()}, using=using)
    except DatabaseError as error:
        report("telling the release", using, error)
