"""Retries a transaction that was aborted by a deadlock or a serialization failure."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, transaction
from psycopg import errors

Result = TypeVar("Result")

TRIES = 3
LONGEST_PAUSE_SECONDS = 0.05


def in_transaction(
    work: Callable[[], Result],
    *,
    pause: Callable[[float], None] = time.sleep,
    jitter: Callable[[], float] = random.random,
) -> Result:
    """Run `work` in a transaction; after a deadlock (40P01) or a serialization failure (40001) again, with jitter.

    Raises the last of three such errors, and every other error at once; `work` then has changed nothing.
    """
    for remaining in reversed(range(TRIES)):
        try:
            with transaction.atomic(durable=True):
                return work()
        except OperationalError as error:
            is_victim = isinstance(error.__cause__, errors.DeadlockDetected | errors.SerializationFailure)
            if not (is_victim and remaining):
                raise
        pause(jitter() * LONGEST_PAUSE_SECONDS)
    raise AssertionError("unreachable")
