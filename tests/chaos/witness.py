"""A witness in the campaign's database: every change of a message's status, and whose session made it.

End states cannot show that fencing is missing: the campaign's checker needs to see who settled which claim.
"""

from collections.abc import Iterator, Sequence
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from tests.chaos.history import Transition

SESSION: LiteralString = "current_setting('chaos.process', true)"  # says which process it is of

_WITNESS: LiteralString = """
CREATE SCHEMA {schema};
CREATE TABLE {schema}.transition (
    id bigserial PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    message bigint NOT NULL,
    claim bigint NOT NULL,
    rescues integer NOT NULL,
    was text,
    became text,
    process text
);
CREATE FUNCTION {schema}.witness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO {schema}.transition (message, claim, rescues, became, process)
        VALUES (NEW.id, NEW.claim_number, NEW.rescues, NEW.status, {session});
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO {schema}.transition (message, claim, rescues, was, process)
        VALUES (OLD.id, OLD.claim_number, OLD.rescues, OLD.status, {session});
    ELSE
        INSERT INTO {schema}.transition (message, claim, rescues, was, became, process)
        VALUES (NEW.id, NEW.claim_number, NEW.rescues, OLD.status, NEW.status, {session});
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER chaos_witness AFTER INSERT OR DELETE OR UPDATE OF status ON {messages}
    FOR EACH ROW EXECUTE FUNCTION {schema}.witness();
"""

_RECORD: LiteralString = """
SELECT extract(epoch FROM at)::float8, message, claim, rescues, coalesce(was, ''), coalesce(became, ''),
    coalesce(process, '')
FROM {schema}.transition ORDER BY id
"""


def install(
    connection: psycopg.Connection[Any],
    *,
    schema: str = "chaos",
    session: LiteralString = SESSION,
    messages: Sequence[str] = ("notifications_outboxmessage",),
) -> None:
    """Watch the table `messages`, with or without its schema, in a schema of the witness's own. `session` is what tells
    in SQL whose session it is.
    """
    names = {"schema": sql.Identifier(schema), "messages": sql.Identifier(*messages)}
    connection.execute(sql.SQL(_WITNESS).format(session=sql.SQL(session), **names))


def read(connection: psycopg.Connection[Any], *, schema: str = "chaos") -> Iterator[Transition]:
    """What was seen, in order."""
    for row in connection.execute(sql.SQL(_RECORD).format(schema=sql.Identifier(schema))):
        yield Transition(*row)
