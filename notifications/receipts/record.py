"""Records receipts: what became of accepted messages, as webhooks report it or polling finds it.

Reports may come late, twice and in any order, so only the farthest status is kept (lifecycle.ReceiptStatus). A message
may have gone out in several copies: one copy that arrived is enough. A report that a copy did not arrive counts only if
it is the copy that the message was settled with.

A receipt can also resolve an unknown outcome (G6). If the message waits for its next attempt, its relay finds the
receipt first and does not send again. If the message has failed, it is replayed, on record, and then found to be sent.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from django.db import DEFAULT_DB_ALIAS, connections, transaction

from notifications import conf, shards
from notifications.channels import names_of_those_that_tell_prices
from notifications.channels.base import DeliveryReport
from notifications.lifecycle import Reason, ReceiptStatus
from notifications.models import Recipient
from notifications.operations.replay import replay
from notifications.policy.masking import masked
from notifications.policy.storable_text import storable
from notifications.receipts import late_fallback
from notifications.receipts.count_usage import NOT_DELIVERED, Step, count_delivery
from notifications.recipients.opt_outs import How, opt_out
from notifications.telemetry import emit

FIRST_POLL_AFTER_SECONDS = 600.0  # after the last news: then the provider is asked
MOST_ID, MOST_CODE, MOST_DETAIL = 255, 64, 4_000  # characters

# Locks the receipt's row before its message's, so that reports of one acceptance queue up at the receipt. Both updates
# see the newest version of their row, so the farthest status wins however many reports come at once. A status's rank is
# its place in `ranks`. The empty receipt of a message is not in there, and ranks lowest.
RECORD = """
WITH news AS (
    INSERT INTO notifications_receipt AS receipt
        (message_id, provider_id, claim_number, status, code, detail, received_at, poll_at, polls)
    SELECT message.id, %(provider_id)s, %(claim_number)s, %(status)s, %(code)s, %(detail)s, statement_timestamp(),
        CASE WHEN NOT %(is_final)s OR message.channel = ANY(%(telling_prices)s::text[])
             THEN statement_timestamp() + make_interval(secs => %(poll_after)s) END, 0
    FROM notifications_outboxmessage message
    WHERE message.id = %(message)s AND message.channel = ANY(%(channels)s::text[])
    ON CONFLICT (message_id, provider_id) DO UPDATE
    SET previous = receipt.status, status = excluded.status, code = excluded.code, detail = excluded.detail,
        received_at = excluded.received_at,
        claim_number = greatest(receipt.claim_number, excluded.claim_number),
        poll_at = CASE WHEN %(is_final)s AND receipt.price IS NOT NULL THEN NULL ELSE excluded.poll_at END, polls = 0
    WHERE array_position(%(ranks)s::text[], excluded.status::text)
        > array_position(%(ranks)s::text[], receipt.status::text)
        OR (receipt.status = 'sent' AND excluded.status = 'sent' AND excluded.code NOT IN ('', receipt.code))
    RETURNING message_id, claim_number, previous
), shown AS (
    UPDATE notifications_outboxmessage message
    SET receipt = %(status)s
    FROM news
    WHERE %(is_final)s AND message.id = news.message_id
      AND array_position(%(ranks)s::text[], %(status)s)
        > coalesce(array_position(%(ranks)s::text[], message.receipt::text), 0)
      AND (NOT %(is_bad)s OR message.provider_id IN ('', %(provider_id)s))
)
SELECT message.recipient_id, message.channel, message.status = 'failed' AND message.unknown_since IS NOT NULL,
    message.kind, message.finished_at, news.previous, coalesce(nullif(attempt.address, ''), recipient.phone),
    extract(epoch FROM statement_timestamp() - coalesce(attempt.ended_at, message.finished_at))::float8
FROM news JOIN notifications_outboxmessage message ON message.id = news.message_id
JOIN notifications_recipient recipient ON recipient.id = message.recipient_id
LEFT JOIN notifications_deliveryattempt attempt
  ON attempt.message_id = news.message_id AND attempt.claim_number = news.claim_number
"""

RANKS = [status.value for status in ReceiptStatus]


@dataclass(frozen=True, slots=True)
class MessageReport:
    """A delivery report and the message it is about. `message_id` is our id, `provider_id` the provider's name for it.

    `claim_number` 0: not known. `was_asked`: nobody knows when it came to be so, for we asked later. `shard`: whose
    message it is, as our reference says, where one account of a provider serves several; empty: the shard's at work.
    """

    message_id: int
    provider_id: str
    report: DeliveryReport
    claim_number: int = 0
    was_asked: bool = False
    shard: str = ""


def _record_there(about: MessageReport, channels: Collection[str]) -> bool:
    with shards.on_database(about.shard):
        return record(about, channels=channels)


def record(about: MessageReport, *, channels: Collection[str], using: str = DEFAULT_DB_ALIAS) -> bool:
    """Record a report about a message on one of `channels`, and act on it; whether it was news."""
    if about.shard and about.shard != shards.current():  # the provider knows one address for all
        return about.shard in shards.shards() and _record_there(about, channels)
    report = about.report
    report = replace(report, status=ReceiptStatus(report.status), code=storable(str(report.code), MOST_CODE))
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(
            RECORD,
            {
                "message": about.message_id,
                "channels": list(channels),
                "provider_id": storable(about.provider_id, MOST_ID),
                "claim_number": about.claim_number,
                "status": report.status.value,
                "code": report.code,
                "detail": masked(storable(str(report.detail), MOST_DETAIL), ""),
                "telling_prices": names_of_those_that_tell_prices(),
                "poll_after": FIRST_POLL_AFTER_SECONDS,
                "ranks": RANKS,
                "is_final": report.status.is_final,
                "is_bad": report.status in NOT_DELIVERED,
            },
        )
        row = cursor.fetchone()
        if row is not None:
            recipient, channel, is_proof, kind, sent_at, previous, address, seconds = row
            step = Step(kind, channel, address, sent_at=sent_at, seconds=None if about.was_asked else seconds)
            count_delivery(cursor, step, was=previous, now=report.status)
    if row is None:
        return False
    emit("receipt.recorded", message=about.message_id, claim=about.claim_number, status=report.status, code=report.code)
    if report.reason is Reason.OPTED_OUT:
        opt_out(Recipient(pk=recipient), channel=channel, how=How.PROVIDER, actor=report.code, using=using)
    if is_proof and report.status not in NOT_DELIVERED and conf.ask_before_resend():
        replay([about.message_id], actor="receipts", reason="The provider had accepted it.", using=using)
    if report.status in NOT_DELIVERED:
        late_fallback.undelivered(about.message_id, using=using)
    return True
