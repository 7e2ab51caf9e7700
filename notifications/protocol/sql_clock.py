"""The statements by which each of the clock's jobs runs in one process at a time. The line above each says what it
locks.
"""

# Locks the rows of the jobs that it takes. Of two clocks the second waits, and then finds them not due any more. A job
# that is new is written here, and taken by the next call.
TAKE = """
WITH wanted AS (
    SELECT name, statement_timestamp() + make_interval(secs => period) AS next,
        statement_timestamp() + make_interval(secs => lease) AS until
    FROM unnest(%(names)s::text[], %(periods)s::float8[], %(leases)s::float8[]) AS job (name, period, lease)
), unknown AS MATERIALIZED (
    SELECT name FROM wanted WHERE NOT EXISTS (SELECT FROM notifications_clockjob known WHERE known.name = wanted.name)
), new AS (
    INSERT INTO notifications_clockjob (name, due_at, started_at, ended_at, running_until, error, failures)
    SELECT name, statement_timestamp(), NULL, NULL, NULL, '', 0 FROM unknown
    ON CONFLICT (name) DO NOTHING
)
UPDATE notifications_clockjob job
SET started_at = statement_timestamp(), due_at = wanted.next, running_until = wanted.until
FROM wanted
WHERE job.name = wanted.name AND job.due_at <= statement_timestamp()
  AND (job.running_until IS NULL OR job.running_until <= statement_timestamp())
RETURNING job.name
"""

# Locks the job's row, for a moment. An empty error means that the job did its work.
END = """
UPDATE notifications_clockjob
SET ended_at = statement_timestamp(), running_until = NULL, error = %(error)s::text,
    failures = CASE WHEN %(error)s::text = '' THEN 0 ELSE failures + 1 END
WHERE name = %(name)s
"""
