"""What the project adds to the context of every message when it is rendered: OUTBOX_CONTEXT names its function.

    def context_of(message: outbox.Facts) -> dict:
        return {"shop": "Parcels & Co", "parcel_url": outbox.public_link("parcel", message.context["number"])}

Templates use these values as they use the message's own, which come first where both have one. They are the project's
words, so they are not sanitized: what is taken from `message.context` may have been typed by somebody.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.utils.module_loading import import_string

from notifications import conf


class Facts(NamedTuple):
    """What is known of a message when it is rendered: the same on each attempt. `recipient_id` is 0 for a preview."""

    kind: str
    channel: str
    context: Mapping[str, Any]
    locale: str
    time_zone: str
    recipient_id: int = 0


def shared_context(message: Facts) -> dict[str, Any]:
    """What the project's function says of `message`, without the keys that its context has itself."""
    path = conf.context_function()
    if not path:
        return {}
    said: Mapping[str, Any] = import_string(path)(message)
    return {key: value for key, value in said.items() if key not in message.context}
