"""The statement by which a provider's word about someone's wish becomes ours."""

# Needs the lanes' locks, as the settlements have them that report it: the recipient's row is written. A provider that
# refuses to send because the person told it so was told before us. Writes what `opt_outs.opt_out` writes.
HEED_OPT_OUTS = """
WITH told AS (
    SELECT DISTINCT ON (recipient_id) recipient_id, channel, code
    FROM unnest(%(recipients)s::bigint[], %(channels)s::text[], %(codes)s::text[]) AS told (recipient_id, channel, code)
), heeded AS (
    UPDATE notifications_recipient recipient
    SET opt_outs = ARRAY(SELECT word FROM unnest(recipient.opt_outs || told.channel::varchar) AS word ORDER BY word)
    FROM told
    WHERE recipient.id = told.recipient_id AND NOT told.channel = ANY(recipient.opt_outs)
    RETURNING recipient.id, told.channel, told.code
)
INSERT INTO notifications_consentrecord (recipient_id, channel, purpose, is_opt_in, how, actor)
SELECT id, channel, '', false, 'provider', code FROM heeded
"""
