"""The statements by which each of the clock's jobs runs in one process at a time. The line above each says what it
locks.
"""

# Locks the rows of the jobs that it takes. Of two clocks the second waits, and then finds them not due any more. A job
# that is new is written here, and taken by the next call.
TAKE = """
WITH wanted AS (
    SELECT * FROM unnest(%(names)s::text[], %(periods)s::float8[], %(leases)s::float8[]) AS job (name, period, lease)
), new AS (
    INSERT INTO notifications_clockjob (name, due_at, started_at, ended_at, running_until, error, failures)
    SELECT name, clock_timestamp(), NULL, NULL, NULL, '', 0 FROM wanted
    WHERE NOT EXISTS (SELECT FROM notifications_clockjob known WHERE known.name = wanted.name)
    ON CONFLICT (name) DO NOTHING
)
UPDATE notifications_clockjob job
SET started_at = clock_timestamp(), due_at = clock_timestamp() + make_interval(secs => wanted.period),
    running_until = clock_timestamp() + make_interval(secs => wanted.lease)
FROM wanted
WHERE job.name = wanted.name AND job.due_at <= clock_timestamp()
  AND (job.running_until IS NULL OR job.running_until <= clock_timestamp())
RETURNING job.name
"""

# Locks the job's row, for a moment. An empty error means that the job did its work.
END = """
UPDATE notifications_clockjob
SET ended_at = clock_timestamp(), running_until = NULL, error = %(error)s::text,
    failures = CASE WHEN %(error)s::text = '' THEN 0 ELSE failures + 1 END
WHERE name = %(name)s
"""
