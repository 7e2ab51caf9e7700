"""The relay beside what one would pick otherwise, on the same work and the same machine: `python -m tests.benchmarks`.

Every run lays out its work, starts real worker processes, waits, ends them, and then proves from the contender's own
records that the work was done. A figure counts from the first call to the provider to the last outcome written down.
"""
