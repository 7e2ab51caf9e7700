"""The statement that deletes ended messages with all that the outbox keeps about them. `operations.prune` runs it."""

# Needs the messages' row locks, taken by an earlier statement: then nothing is written about them until commit, and
# this statement's snapshot has all that was. Each table is looked up by its index on the message.
DELETE_MESSAGES = """
WITH attempts AS (
    DELETE FROM notifications_deliveryattempt WHERE message_id = ANY(%(ids)s::bigint[])
), receipts AS (
    DELETE FROM notifications_receipt WHERE message_id = ANY(%(ids)s::bigint[])
), subjects AS (
    DELETE FROM notifications_messagereference WHERE message_id = ANY(%(ids)s::bigint[])
), repeats AS (
    DELETE FROM notifications_repeat
    WHERE message_id = ANY(%(ids)s::bigint[]) OR original_id = ANY(%(ids)s::bigint[])
), fallbacks AS (
    DELETE FROM notifications_plannedfallback WHERE message_id = ANY(%(ids)s::bigint[])
), substitutes AS (
    UPDATE notifications_plannedfallback SET substitute_id = NULL
    WHERE substitute_id = ANY(%(ids)s::bigint[]) AND NOT message_id = ANY(%(ids)s::bigint[])
)
DELETE FROM notifications_outboxmessage WHERE id = ANY(%(ids)s::bigint[])
"""
