"""HTTP to a provider, for channels: `notifications.transport.http` under the names that channels use."""

from notifications.transport.http import MOST_IDLE_SECONDS, POOL_SIZE
from notifications.transport.http import PooledSession as ProviderSession

__all__ = ["MOST_IDLE_SECONDS", "POOL_SIZE", "ProviderSession"]
