"""A message in words, for those who send it and for those who look at it: the same words for both."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from notifications import kinds
from notifications.content.rendering import render
from notifications.content.sanitize import Treatment
from notifications.content.unsubscribe_links import Subscription, link_for

UNSUBSCRIBE_URL = "unsubscribe_url"  # what templates call it; only messages that one can unsubscribe from have it


class Worded(NamedTuple):
    """The rendered parts by name, and where the recipient may unsubscribe, or nothing."""

    parts: Mapping[str, str]
    unsubscribe_url: str = ""


def put_into_words(
    kind: str,
    context: Mapping[str, Any],
    *,
    channel: str,
    templates: Mapping[str, str],
    treat: Treatment,
    recipient_id: int,
    locale: str,
    time_zone: str,
) -> Worded:
    """Render the `templates` of `kind` for a recipient. Raises RenderingError."""
    url = link_for(Subscription(recipient_id, channel, kinds.purpose_of(kind)))
    links = kinds.links_of(kind)
    if url:
        context, links = {**context, UNSUBSCRIBE_URL: url}, links | {UNSUBSCRIBE_URL}
    parts = render(kind, templates, context, locale=locale, time_zone=time_zone, links=links, treat=treat)
    return Worded(parts, url)
