"""Whether the caller has opened a transaction, in tests too."""

from django.db import connections


def is_in_transaction(using: str) -> bool:
    """Whether the caller is inside `transaction.atomic()` on the database `using`.

    The transactions that Django's TestCase and pytest-django put around a test are no caller's. Django marks them, for
    `atomic(durable=True)` to know them by: so code that forgets `atomic` fails in its tests, and not in production.
    """
    return not all(getattr(block, "_from_testcase", False) for block in connections[using].atomic_blocks)
