"""The statements that a few of the claimed messages need besides. Both read only, and lock nothing."""

# Of messages an earlier attempt at which may have been accepted: the name that the provider has since told us for it;
# the names that are known to be other messages', to the same number, since a while before; and whether someone else
# with that number is in the same doubt. What the provider took and then gave up is no copy that could come twice.
DOUBTS = """
SELECT message.id,
    (SELECT receipt.provider_id FROM notifications_receipt receipt
     WHERE receipt.message_id = message.id AND receipt.status NOT IN ('undelivered', 'bounced')
     ORDER BY receipt.id LIMIT 1),
    ARRAY(SELECT attempt.provider_id
          FROM notifications_recipient namesake
          JOIN notifications_outboxmessage other ON other.recipient_id = namesake.id
          JOIN notifications_deliveryattempt attempt ON attempt.message_id = other.id
          WHERE namesake.phone = recipient.phone AND namesake.phone <> '' AND other.id <> message.id
            AND other.status IN ('cancelled', 'expired', 'failed', 'sent')
            AND other.finished_at >= message.unknown_since - make_interval(secs => %(before)s)
            AND attempt.answer = 'accepted'),
    EXISTS (SELECT FROM notifications_recipient namesake
            JOIN notifications_outboxmessage other ON other.recipient_id = namesake.id
            WHERE namesake.phone = recipient.phone AND namesake.phone <> '' AND other.id <> message.id
              AND other.channel = message.channel AND other.status IN ('pending', 'sending')
              AND (other.unknown_since IS NOT NULL OR other.status = 'sending'))
FROM notifications_outboxmessage message
JOIN notifications_recipient recipient ON recipient.id = message.recipient_id
WHERE message.id = ANY(%(ids)s::bigint[])
"""

# How many seconds ago each number last wrote to us on its channel, for those who did.
CONVERSATIONS = """
SELECT conversation.channel, conversation.phone,
    extract(epoch FROM clock_timestamp() - conversation.last_inbound_at)::float8
FROM unnest(%(channels)s::text[], %(phones)s::text[]) AS asked (channel, phone)
JOIN notifications_conversation conversation
  ON conversation.channel = asked.channel AND conversation.phone = asked.phone
"""
