"""The statement that records an opt-out which a provider reported."""

# Needs the lanes' locks, because it writes the recipient's row; the settle that reports the opt-out has them. Writes
# what `recipients.opt_outs.opt_out` writes.
APPLY_OPT_OUTS = """
WITH reported AS (
    SELECT DISTINCT ON (recipient_id) recipient_id, channel, code
    FROM unnest(%(recipients)s::bigint[], %(channels)s::text[], %(codes)s::text[]) AS row (recipient_id, channel, code)
), applied AS (
    UPDATE notifications_recipient recipient
    SET opt_outs = ARRAY(SELECT word FROM unnest(recipient.opt_outs || reported.channel::varchar) AS word ORDER BY word)
    FROM reported
    WHERE recipient.id = reported.recipient_id AND NOT reported.channel = ANY(recipient.opt_outs)
    RETURNING recipient.id, reported.channel, reported.code
)
INSERT INTO notifications_consentrecord (recipient_id, channel, purpose, is_opt_in, how, actor)
SELECT id, channel, '', false, 'provider', code FROM applied
"""
