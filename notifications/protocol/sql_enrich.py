"""The statements for extra data that only some claimed messages need. They only read, and lock nothing."""

# Where the last attempt of unknown outcome went, by message.
WENT_TO = """
SELECT DISTINCT ON (message_id) message_id, address FROM notifications_deliveryattempt
WHERE message_id = ANY(%(ids)s::bigint[]) AND answer = 'unknown' AND address <> ''
ORDER BY message_id, id DESC
"""

# Whose messages went to the number of `message`: who has it now, and its own recipient, who may have another by now.
_NAMESAKES = """SELECT namesake.id FROM unnest(%(asked)s::bigint[], %(phones)s::text[]) AS written (message_id, phone)
               JOIN notifications_recipient namesake ON namesake.phone = written.phone AND namesake.phone <> ''
               WHERE written.message_id = message.id UNION SELECT message.recipient_id"""

# For messages with an earlier attempt that may have been accepted: the provider's id of it, if a receipt has shown it
# since; the provider's ids of other messages to the same number, from some time before the attempt on; whether another
# message to that number has an unknown outcome too; and how many seconds ago the first such attempt began and the last
# one became unknown, which for a lost relay's is when it was declared dead. A copy that the provider accepted and then
# gave up does not count: it cannot arrive twice. `phones` are all forms in which the number of `asked` may be stored.
EARLIER_ATTEMPTS = """
SELECT message.id,
    (SELECT receipt.provider_id FROM notifications_receipt receipt
     WHERE receipt.message_id = message.id AND receipt.status NOT IN ('undelivered', 'bounced')
     ORDER BY receipt.id LIMIT 1),
    ARRAY(SELECT attempt.provider_id
          FROM ({namesakes}) AS namesake
          JOIN notifications_outboxmessage other ON other.recipient_id = namesake.id
          JOIN notifications_deliveryattempt attempt ON attempt.message_id = other.id
          WHERE other.id <> message.id
            AND other.status IN ('cancelled', 'expired', 'failed', 'sent')
            AND other.finished_at >= message.unknown_since - make_interval(secs => %(before)s)
            AND attempt.answer = 'accepted'),
    EXISTS (SELECT FROM ({namesakes}) AS namesake
            JOIN notifications_outboxmessage other ON other.recipient_id = namesake.id
            WHERE other.id <> message.id
              AND other.channel = message.channel AND other.status IN ('pending', 'sending')
              AND (other.unknown_since IS NOT NULL OR other.status = 'sending')),
    extract(epoch FROM clock_timestamp() - message.unknown_since)::float8,
    extract(epoch FROM clock_timestamp() - coalesce(
        (SELECT max(attempt.ended_at) FROM notifications_deliveryattempt attempt
         WHERE attempt.message_id = message.id AND attempt.answer = 'unknown'), message.unknown_since))::float8
FROM notifications_outboxmessage message
WHERE message.id = ANY(%(ids)s::bigint[])
""".replace("{namesakes}", _NAMESAKES)

# How many seconds ago each number last wrote to us on its channel; no row for those that never did.
CONVERSATIONS = """
SELECT conversation.channel, conversation.phone,
    extract(epoch FROM clock_timestamp() - conversation.last_inbound_at)::float8
FROM unnest(%(channels)s::text[], %(phones)s::text[]) AS asked (channel, phone)
JOIN notifications_conversation conversation
  ON conversation.channel = asked.channel AND conversation.phone = asked.phone
"""
