"""The statements by which messages enter and leave their lanes outside a send: replay, cancellation, release.

All of them need the lanes' locks (`sql.LOCK_RECIPIENTS`), and are followed by `sql.PROMOTE`.
"""

from notifications.protocol.sql_tally import append

# Returns held messages to their lanes, at the end of quiet hours.
RELEASE = """
UPDATE notifications_outboxmessage
SET lane = CASE WHEN %(by_channel)s THEN channel ELSE '' END
WHERE id = ANY(%(ids)s::bigint[]) AND status = 'queued' AND lane = '(held)'
RETURNING recipient_id, lane
"""

# Keeps the history of attempts and the claim number, which only ever rises.
REPLAY = (
    """
WITH replayed AS (
    UPDATE notifications_outboxmessage message
    SET status = 'queued', attempts = 0, rescues = 0, finished_at = NULL, error_code = '', error_detail = '',
        receipt = ''
    FROM (SELECT id, error_code FROM notifications_outboxmessage
          WHERE id = ANY(%(ids)s::bigint[]) AND status = 'failed') AS failed
    WHERE message.id = failed.id AND message.status = 'failed'
    RETURNING message.id, message.recipient_id, message.lane, failed.error_code, message.channel
), tallied AS ("""
    + append("replayed", changed="replayed")
    + """)
SELECT id, recipient_id, lane, error_code FROM replayed
"""
)

# A message that is being sent cannot be cancelled.
CANCEL = (
    """
WITH cancelled AS (
    UPDATE notifications_outboxmessage message
    SET status = 'cancelled', finished_at = clock_timestamp()
    WHERE message.id = ANY(%(ids)s::bigint[]) AND message.status IN ('queued', 'pending')
    RETURNING message.id, message.recipient_id, message.lane, message.channel
), tallied AS ("""
    + append("cancelled", changed="cancelled")
    + """)
SELECT id, recipient_id, lane FROM cancelled
"""
)
