"""What the project adds to the context of every message when it is rendered: OUTBOX_CONTEXT names its function.

    def context_of(message: outbox.Facts) -> dict:
        return {"shop": "Parcels & Co", "parcel_url": outbox.public_link("parcel", message.context["number"])}

Templates use these values as they use the message's own, which come first where both have one. They are the project's
words, so they are not sanitized: what is taken from `message.context` may have been typed by somebody. A value that is
a function is called where a template uses it; `reverse` and the like are too slow to be called for every message.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from django.utils.module_loading import import_string

from notifications import conf
from notifications.content.rendering import RenderingError
from notifications.policy.attachment import Facts


def shared_context(message: Facts) -> dict[str, Any]:
    """What the project's function says of `message`, in a dict of ours: the message's own values come before it.

    Raises RenderingError for whatever the function raises.
    """
    path = conf.context_function()
    if not path:
        return {}
    try:
        return {**_function(path)(message)}
    except Exception as error:
        raise RenderingError(f"OUTBOX_CONTEXT: {type(error).__name__}: {error}") from error


@lru_cache
def _function(path: str) -> Callable[[Facts], Mapping[str, Any]]:
    function: Callable[[Facts], Mapping[str, Any]] = import_string(path)
    return function
