"""Receipts: what became of messages after a provider had accepted them, told by its webhooks or asked for.

News of one acceptance come late, twice and in any order; what is kept is the farthest of them (lifecycle.News), so the
order does not matter. Good news of any copy of a message is news of the message; that a copy did not arrive counts only
for the copy that the message was settled with.

News can also prove what nobody knew (G6). A message that waits for its next attempt is then not sent again: its relay
looks here first. One that had failed is replayed, on record, and found to be sent.
"""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS, connections

from notifications import conf
from notifications.channels.base import Heard
from notifications.lifecycle import News, Reason
from notifications.models import Recipient
from notifications.operations.replay import replay
from notifications.policy.masking import masked
from notifications.receipts import late_fallback
from notifications.recipients.opt_outs import How, opt_out
from notifications.telemetry import emit

FIRST_ASKED_AFTER_SECONDS = 600.0  # without further news, the provider is asked
MOST_ID = 255

# The receipt's row is locked before its message's: news of one acceptance queue up at it. Both updates look at the
# newest version of what they change, so the farthest news win however many come at once. The rank of a status is its
# place in `ranks`; what is not in there, the empty receipt of a message, ranks below all.
RECORD = """
WITH news AS (
    INSERT INTO notifications_receipt AS receipt
        (message_id, provider_id, claim_number, status, code, detail, heard_at, ask_at, asked)
    SELECT message.id, %(provider_id)s, %(claim_number)s, %(status)s, %(code)s, %(detail)s, clock_timestamp(),
        clock_timestamp() + make_interval(secs => %(ask_after)s), 0
    FROM notifications_outboxmessage message
    WHERE message.id = %(message)s AND message.channel = ANY(%(channels)s::text[])
    ON CONFLICT (message_id, provider_id) DO UPDATE
    SET status = excluded.status, code = excluded.code, detail = excluded.detail, heard_at = excluded.heard_at,
        claim_number = greatest(receipt.claim_number, excluded.claim_number),
        ask_at = excluded.ask_at, asked = 0
    WHERE array_position(%(ranks)s::text[], excluded.status::text)
        > array_position(%(ranks)s::text[], receipt.status::text)
    RETURNING message_id
), shown AS (
    UPDATE notifications_outboxmessage message
    SET receipt = %(status)s
    FROM news
    WHERE %(is_final)s AND message.id = news.message_id
      AND array_position(%(ranks)s::text[], %(status)s)
        > coalesce(array_position(%(ranks)s::text[], message.receipt::text), 0)
      AND (NOT %(is_bad)s OR message.provider_id IN ('', %(provider_id)s))
)
SELECT message.recipient_id, message.channel, message.status = 'failed' AND message.unknown_since IS NOT NULL
FROM news JOIN notifications_outboxmessage message ON message.id = news.message_id
"""

RANKS = [news.value for news in News]
BAD_NEWS = frozenset({News.UNDELIVERED, News.BOUNCED})


@dataclass(frozen=True, slots=True)
class Told:
    """News of one acceptance. `message_id` is ours, `provider_id` the provider's; `claim_number` 0 means not told."""

    message_id: int
    provider_id: str
    heard: Heard
    claim_number: int = 0


def record(told: Told, *, channels: Collection[str], using: str = DEFAULT_DB_ALIAS) -> bool:
    """Keep what was told of a message on one of `channels`, and act on it; whether it was news."""
    heard = told.heard
    with connections[using].cursor() as cursor:
        cursor.execute(
            RECORD,
            {
                "message": told.message_id,
                "channels": list(channels),
                "provider_id": told.provider_id[:MOST_ID],
                "claim_number": told.claim_number,
                "status": heard.news.value,
                "code": heard.code,
                "detail": masked(heard.detail, ""),
                "ask_after": None if heard.news.is_final else FIRST_ASKED_AFTER_SECONDS,
                "ranks": RANKS,
                "is_final": heard.news.is_final,
                "is_bad": heard.news in BAD_NEWS,
            },
        )
        row = cursor.fetchone()
    if row is None:
        return False
    emit("receipt.recorded", message=told.message_id, claim=told.claim_number, status=heard.news, code=heard.code)
    recipient, channel, is_proof = row
    if heard.reason is Reason.OPTED_OUT:
        opt_out(Recipient(pk=recipient), channel=channel, how=How.PROVIDER, actor=heard.code, using=using)
    if is_proof and heard.news not in BAD_NEWS and conf.ask_before_resend():
        replay([told.message_id], actor="receipts", reason="The provider had accepted it.", using=using)
    if heard.news in BAD_NEWS:
        late_fallback.undelivered(told.message_id, using=using)
    return True
