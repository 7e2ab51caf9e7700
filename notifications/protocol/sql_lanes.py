"""The statements by which messages enter and leave their lanes outside a send: replay, cancellation, release.

All of them need the lanes' locks (`sql.LOCK_RECIPIENTS`), and are followed by `sql.PROMOTE`.
"""

from notifications.protocol.sql_moments import later
from notifications.protocol.sql_tally import append

# Returns held messages to their lanes: at the end of quiet hours, or at the moment for which they were published. Then
# such a message stands before what was published, or was due, after that moment; an index finds it. If there is
# nothing, it stands at the end: at the next ID, before whatever gets that. Those with one place go by their moments,
# and before one without. No number is drawn from the sequence, because Citus could draw it on another node.
RELEASE = """
WITH released AS (
    SELECT id, concat_ws(':', %(lanes)s::jsonb ->> kind, CASE WHEN %(by_channel)s THEN channel END) AS lane
    FROM notifications_outboxmessage
    WHERE id = ANY(%(ids)s::bigint[]) AND status = 'queued' AND lane = '(held)'
)
UPDATE notifications_outboxmessage message
SET lane = released.lane,
    place = CASE WHEN message.send_at IS NULL OR message.place IS NOT NULL THEN message.place ELSE coalesce(
        (SELECT coalesce(later.place, later.id) FROM notifications_outboxmessage later
         WHERE later.recipient_id = message.recipient_id AND later.lane = released.lane AND later.status = 'queued'
           AND coalesce(later.send_at, later.created_at) > message.send_at
         ORDER BY coalesce(later.place, later.id), later.send_at, later.id LIMIT 1),
        greatest((SELECT max(id) + 1 FROM notifications_outboxmessage),
            (SELECT max(coalesce(other.place, other.id)) FROM notifications_outboxmessage other
             WHERE other.recipient_id = message.recipient_id AND other.lane = released.lane
               AND other.status = 'queued'))) END
FROM released
WHERE message.id = released.id AND message.status = 'queued' AND message.lane = '(held)'
RETURNING message.recipient_id, message.lane
"""

# Gives messages that wait for their moment another one; what expires does so as long after it as before.
RESCHEDULE = f"""
UPDATE notifications_outboxmessage message
SET send_at = %(send_at)s::timestamptz, next_attempt_at = %(send_at)s::timestamptz,
    expires_at = {later("message.expires_at", "(%(send_at)s::timestamptz - message.send_at)")}
WHERE message.id = ANY(%(ids)s::bigint[]) AND message.status = 'queued' AND message.lane = '(held)'
  AND message.send_at IS NOT NULL AND message.place IS NULL
RETURNING message.id, message.recipient_id, message.lane
"""

# Keeps the history of attempts and the claim number, which only ever rises.
REPLAY = (
    """
WITH replayed AS (
    UPDATE notifications_outboxmessage message
    SET status = 'queued', attempts = 0, deferrals = 0, rescues = 0, finished_at = NULL, error_code = '',
        error_detail = '', receipt = '', routes_tried = ''
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
    SET status = 'cancelled', finished_at = statement_timestamp()
    WHERE message.id = ANY(%(ids)s::bigint[]) AND message.status IN ('queued', 'pending')
    RETURNING message.id, message.recipient_id, message.lane, message.channel
), tallied AS ("""
    + append("cancelled", changed="cancelled")
    + """)
SELECT id, recipient_id, lane FROM cancelled
"""
)
