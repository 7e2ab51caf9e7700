"""Publishes from async code. Django has no transactions for it, so what must be one is written by one function."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async

from notifications.errors import NotInTransaction

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

NO_TRANSACTION = (
    "outbox.apublish found no open transaction, and async code cannot open one: each statement of Django's async ORM "
    "commits by itself. Write what the message is about, and publish, in one function, and await "
    "sync_to_async(transaction.atomic(function))(…)."
)


def from_async(function: Callable[Given, Answer]) -> Callable[Given, Coroutine[Any, Any, Answer]]:
    """`function`, to be awaited. It runs in the thread of Django's async ORM, and joins a transaction open there."""

    @wraps(function)
    async def run(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
        try:
            return await sync_to_async(function)(*args, **kwargs)
        except NotInTransaction as error:
            raise NotInTransaction(NO_TRANSACTION) from error

    return run
