"""A trial of other rows for the outbox, with the relay's own statements: `python -m tests.benchmarks.rows`."""
