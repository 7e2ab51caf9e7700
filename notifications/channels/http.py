"""HTTP to a provider, for channels: `notifications.transport.http` under the names that channels use."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from notifications.transport.http import MOST_IDLE_SECONDS, POOL_SIZE
from notifications.transport.http import PooledSession as ProviderSession

__all__ = ["MOST_IDLE_SECONDS", "POOL_SIZE", "ProviderSession", "answered_at"]


def answered_at(date: str | None) -> datetime:
    """When an answer was made, by its server's clock, which the header `date` shows; by ours where it shows nothing.

    Moments that the same server names are compared with this one: clocks differ.
    """
    try:
        moment = parsedate_to_datetime(date or "")
    except ValueError:
        return datetime.now(UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
