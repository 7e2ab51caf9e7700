"""The statements of channels with several routes. The line above each says why it locks what it locks.

A message's route is written before its send begins. If the relay is lost in between, its rescue records an attempt on
that route, and whoever sends the message next asks the right provider.
"""

from notifications.protocol.sql_in_flight import STILL_SENDING

# Only reads: what is known of messages that were claimed before. The routes that refused them; the routes whose answer
# was lost, for how many seconds that of the last has been unknown; and the route of the attempt that a receipt has
# proved accepted.
HISTORY = """
SELECT message.id, message.routes_tried,
    ARRAY(SELECT DISTINCT attempt.route FROM notifications_deliveryattempt attempt
          WHERE attempt.message_id = message.id AND attempt.answer = 'unknown') AS unknown,
    extract(epoch FROM clock_timestamp() - coalesce(
        (SELECT max(attempt.ended_at) FROM notifications_deliveryattempt attempt
         WHERE attempt.message_id = message.id AND attempt.answer = 'unknown'), clock_timestamp()))::float8,
    (SELECT attempt.route FROM notifications_receipt receipt
     JOIN notifications_deliveryattempt attempt
       ON attempt.message_id = receipt.message_id AND attempt.claim_number = receipt.claim_number
     WHERE receipt.message_id = message.id AND receipt.status NOT IN ('undelivered', 'bounced')
     ORDER BY receipt.id LIMIT 1)
FROM notifications_outboxmessage message
WHERE message.id = ANY(%(ids)s::bigint[])
"""

# Locks the rows that the relay has just claimed: nobody else changes them. The route goes with the claim (G5), and so
# does its price.
ASSIGN = f"""
UPDATE notifications_outboxmessage message
SET route = chosen.route, price = chosen.price, currency = coalesce(chosen.currency, '')
FROM unnest(%(ids)s::bigint[], %(claim_numbers)s::bigint[], %(routes)s::text[], %(prices)s::numeric[],
            %(currencies)s::text[]) AS chosen (id, claim_number, route, price, currency)
WHERE message.id = chosen.id AND message.claim_number = chosen.claim_number AND {STILL_SENDING}
"""

# Comes after a settle, in its transaction, for messages that were refused on a route, or found at another than the one
# they were claimed for. A settle that changed nothing leaves another claim number, no attempt, or that of a rescue, of
# which nobody knows when it began.
NOTE = """
WITH noted AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::bigint[], %(claim_numbers)s::bigint[], %(routes)s::text[], %(tried)s::text[])
        AS noted (id, claim_number, route, tried)
), moved AS (
    UPDATE notifications_outboxmessage message
    SET route = coalesce(noted.route, message.route), routes_tried = coalesce(noted.tried, message.routes_tried)
    FROM noted
    JOIN notifications_deliveryattempt attempt
      ON attempt.message_id = noted.id AND attempt.claim_number = noted.claim_number AND attempt.started_at IS NOT NULL
    WHERE message.id = noted.id AND message.claim_number = noted.claim_number AND message.status <> 'sending'
)
UPDATE notifications_deliveryattempt attempt SET route = noted.route
FROM noted
WHERE noted.route IS NOT NULL AND attempt.message_id = noted.id AND attempt.claim_number = noted.claim_number
  AND attempt.started_at IS NOT NULL
"""
