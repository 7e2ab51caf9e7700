"""What the settings alone cannot know about shards: whether SHARD_OF names a function."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from config.shard_requests import shard_of
from notifications.shards import shards


@register
def requests_find_their_shard(**_: Any) -> list[CheckMessage]:
    """SHARD_OF can be imported, and called. Looked at only where there are shards."""
    if not shards():
        return []
    try:
        is_function = callable(shard_of())
    except ImportError as error:
        return [Error(f"SHARD_OF cannot be imported: {error}.", id="config.E002")]
    return [] if is_function else [Error("SHARD_OF names no function.", id="config.E002")]
