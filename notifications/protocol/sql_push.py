"""The statements about browsers that take push messages."""

# Whether the recipient of a statement's row has signed up a browser. It may miss one that is signing up just now.
HAS_PUSH = """EXISTS (SELECT FROM notifications_pushsubscription push
        WHERE push.recipient_id = notifications_recipient.id)"""

# Only reads: the browsers of recipients to whom something is being sent.
DEVICES = """
SELECT recipient_id, id, endpoint, p256dh, auth FROM notifications_pushsubscription
WHERE recipient_id = ANY(%(recipients)s::bigint[]) ORDER BY id
"""

# Removes browsers whose push service said that they are gone. Locks their rows, in order.
END_DEVICES = """
DELETE FROM notifications_pushsubscription
WHERE id IN (SELECT id FROM notifications_pushsubscription WHERE id = ANY(%(ids)s::bigint[]) ORDER BY id FOR UPDATE)
"""
