"""A witness in the campaign's database: every change of a message's status, and whose session made it.

End states cannot show that fencing is missing: the campaign's checker needs to see who settled which claim.
"""

import psycopg

WITNESS = """
CREATE SCHEMA chaos;
CREATE TABLE chaos.transition (
    id bigserial PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    message bigint NOT NULL,
    claim bigint NOT NULL,
    rescues integer NOT NULL,
    was text,
    became text,
    process text
);
CREATE FUNCTION chaos.witness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO chaos.transition (message, claim, rescues, became, process)
        VALUES (NEW.id, NEW.claim_number, NEW.rescues, NEW.status, current_setting('chaos.process', true));
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO chaos.transition (message, claim, rescues, was, process)
        VALUES (OLD.id, OLD.claim_number, OLD.rescues, OLD.status, current_setting('chaos.process', true));
    ELSE
        INSERT INTO chaos.transition (message, claim, rescues, was, became, process)
        VALUES (NEW.id, NEW.claim_number, NEW.rescues, OLD.status, NEW.status, current_setting('chaos.process', true));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER chaos_witness AFTER INSERT OR DELETE OR UPDATE OF status ON notifications_outboxmessage
    FOR EACH ROW EXECUTE FUNCTION chaos.witness();
"""

RECORD = """
SELECT extract(epoch FROM at)::float8, message, claim, rescues, coalesce(was, ''), coalesce(became, ''),
    coalesce(process, '')
FROM chaos.transition ORDER BY id
"""


def install(connection: psycopg.Connection[object]) -> None:
    """Watch from now on."""
    connection.execute(WITNESS)
