"""The statement that records an opt-out which a provider reported."""

from notifications.protocol.sql_usage import append_opt_outs

# Needs the lanes' locks, because it writes the recipient's row; the settle that reports the opt-out has them. Writes
# what `recipients.opt_outs.opt_out` writes.
APPLY_OPT_OUTS = (
    """
WITH reported AS (
    SELECT DISTINCT ON (recipient_id) recipient_id, channel, code, address
    FROM unnest(%(recipients)s::bigint[], %(channels)s::text[], %(codes)s::text[], %(addresses)s::text[])
         AS row (recipient_id, channel, code, address)
), kept AS (
    INSERT INTO notifications_addressoptout (address, opt_out)
    SELECT DISTINCT address, channel FROM reported WHERE address <> '' ORDER BY address, channel
    ON CONFLICT (address, opt_out) DO NOTHING
), applied AS (
    UPDATE notifications_recipient recipient
    SET opt_outs = ARRAY(SELECT word FROM unnest(recipient.opt_outs || reported.channel::varchar) AS word
                         ORDER BY word),
        address_opt_outs = recipient.address_opt_outs || reported.channel::varchar
    FROM reported
    WHERE recipient.id = reported.recipient_id AND NOT reported.channel = ANY(recipient.opt_outs)
    RETURNING recipient.id, reported.channel, reported.code
), counted AS ("""
    + append_opt_outs(changed="applied")
    + """)
INSERT INTO notifications_consentrecord (recipient_id, channel, purpose, is_opt_in, how, actor)
SELECT id, channel, '', false, 'provider', code FROM applied
"""
)
