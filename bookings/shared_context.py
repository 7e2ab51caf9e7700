"""What templates of all our messages may use without each message carrying it (OUTBOX_CONTEXT).

It is made when a message is sent. So a message that an earlier release published, or one that has waited, has it too,
and no link that opens something is kept in the database.
"""

from typing import Any

from bookings import booking_links, business_logo, code_links, undo_links
from bookings.business import business
from notifications import outbox, shards
from notifications.content.until_settings_change import until_settings_change

UNSAID = {"place": "", "map_url": "", "ends_at": "", "check_in": "", "name": ""}


def context_of(message: outbox.Facts) -> dict[str, Any]:
    """`business`, `logo` (whether emails carry it), and links: `site_url`, `booking_url`, `code_url`, `undo_url`.

    Below them, for messages of earlier releases, what a slot may say and did not: `time_zone`, `place`, `map_url`,
    `ends_at`, `check_in`. Links are empty without PUBLIC_URL.
    """
    shared = _of_all(shards.current()) | {"logo": business_logo.goes_with(message.kind)}
    if isinstance(booking := message.context.get("booking"), int):
        shared["booking_url"] = booking_links.link_for(booking)
    if isinstance(code := message.context.get("verification"), int):
        shared["code_url"] = code_links.link_for(code, purpose=str(message.context.get("purpose", "")))
    if isinstance(change := message.context.get("change"), int):
        shared["undo_url"] = undo_links.link_for(change)
    return shared


@until_settings_change
def _of_all(shard: str) -> dict[str, Any]:  # noqa: ARG001  (each has an address of its own)
    """What is the same for all messages."""
    ours = business()
    return {**UNSAID, "business": ours, "time_zone": ours.time_zone, "site_url": outbox.public_link("slots-page")}
