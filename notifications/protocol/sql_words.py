"""The statements about kinds' words. The line above each says why it locks what it locks."""

HELD_WORDS = "words_held"  # the error code of a message that waits for words that can be made

# Only reads, when a relay starts.
WORDS = """
SELECT kind, channel, proven_release, held_at IS NOT NULL FROM notifications_wordsstate
"""

# Locks one row for a moment. A hold ends with the first message of the kind whose words can be made.
PROVE_WORDS = """
INSERT INTO notifications_wordsstate AS words (kind, channel, proven_release)
VALUES (%(kind)s, %(channel)s, %(release)s)
ON CONFLICT (kind, channel) DO UPDATE
SET proven_release = %(release)s, held_at = NULL, held_until = NULL, held_release = '', problem = ''
WHERE words.proven_release <> %(release)s OR words.held_at IS NOT NULL
"""

# Locks one row for a moment. Written again while messages of the kind are held, so a hold that nobody sees ends.
HOLD_WORDS = """
INSERT INTO notifications_wordsstate AS words (kind, channel, held_at, held_until, held_release, problem)
VALUES (%(kind)s, %(channel)s, statement_timestamp(), statement_timestamp() + make_interval(secs => %(seconds)s),
        %(release)s, %(problem)s)
ON CONFLICT (kind, channel) DO UPDATE
SET held_at = coalesce(words.held_at, excluded.held_at), held_until = excluded.held_until,
    held_release = excluded.held_release, problem = excluded.problem
"""

# Makes the oldest `most` held messages of a kind due now. They are their lanes' heads already, so no lane's lock is
# needed; skips those that a relay is claiming.
FREE_WORDS = f"""
WITH held AS MATERIALIZED (
    SELECT id FROM notifications_outboxmessage
    WHERE status = 'pending' AND channel = %(channel)s AND kind = %(kind)s AND error_code = '{HELD_WORDS}'
      AND next_attempt_at > now()
    ORDER BY next_attempt_at, id LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE notifications_outboxmessage message SET next_attempt_at = statement_timestamp()
FROM held WHERE message.id = held.id
RETURNING message.id
"""
