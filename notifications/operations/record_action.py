"""Writes the record of what staff do, behind admin, API, board and commands, for every app: `record`, and
`record_for_each` for what is done to many messages at once.

A record says who acted (by ID, and by the name of that time), why, and what the values were before and after. The
database refuses to change or delete it. It is written in the transaction of the action itself.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Self

from django.contrib.auth.models import AbstractBaseUser
from django.db import DEFAULT_DB_ALIAS

from notifications.models.audit import MOST_ACTOR, OperatorAction, Verb

_verbs: set[str] = {verb.value for verb in Verb}


class Actor(str):
    """The name of whoever acts, with the user's ID; a command has none."""

    __slots__ = ("user_id",)
    user_id: int | None

    @classmethod
    def of(cls, user: Any) -> Self:
        """The user that a request comes from."""
        actor = cls(user.get_username()[:MOST_ACTOR])
        actor.user_id = user.pk if isinstance(user, AbstractBaseUser) else None
        return actor

    @classmethod
    def called(cls, name: str, user_id: int | None) -> Self:
        """The actor whom an earlier record names."""
        actor = cls(name)
        actor.user_id = user_id
        return actor


def user_id_of(actor: str) -> int | None:
    """The user's ID, if `actor` is a user."""
    return getattr(actor, "user_id", None)


def register_verbs(*verbs: str) -> None:
    """Register the verbs of the actions that another app records itself."""
    _verbs.update(verbs)


def known_verbs() -> list[str]:
    """All verbs that a record can have, sorted."""
    return sorted(_verbs)


def record(
    verb: str,
    *,
    actor: str,
    reason: str = "",
    subject: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    using: str = DEFAULT_DB_ALIAS,
    **about: Any,
) -> OperatorAction:
    """Record that `actor` did `verb`, within the transaction that does it.

    `subject` names what it was done to: `booking:12`. `about` are further columns. `before` and `after` are the changed
    values, addresses included: only staff who may change addresses see those.
    """
    if verb not in _verbs:
        raise ValueError(f"{verb} is not registered as something that staff do.")
    return OperatorAction.objects.using(using).create(
        action=verb,
        actor=actor[:MOST_ACTOR],
        actor_id=user_id_of(actor),
        reason=reason,
        subject=subject,
        before=None if before is None else dict(before),
        after=None if after is None else dict(after),
        **about,
    )


def record_for_each(
    verb: Verb, messages: Iterable[tuple[int, str]], *, actor: str, reason: str = "", using: str, **about: Any
) -> None:
    """Record that `actor` did `verb` to each of `messages`, given by its id and its error code, in one statement."""
    OperatorAction.objects.using(using).bulk_create(
        OperatorAction(
            action=verb,
            message_id=message,
            error_code=error_code,
            actor=actor[:MOST_ACTOR],
            actor_id=user_id_of(actor),
            reason=reason,
            **about,
        )
        for message, error_code in messages
    )
