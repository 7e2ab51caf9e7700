"""Staff's tokens: how programs use the staff API. A customers' token does not work there, nor this one elsewhere.

A token may do what its scope lists, as long as its owner may do it too. It is shown once. It ends after
STAFF_TOKEN_HOURS at the latest, and with its owner's password, staff rights or account.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models, transaction
from django.utils import timezone

from bookings.tokens import StoredToken, digest_of
from notifications.operations.record_action import record

SCOPES = {  # the permissions that the staff API asks for; a test compares them
    "notifications.view_outboxmessage": "See messages",
    "notifications.see_links_outboxmessage": "See the links in messages",
    "notifications.replay_outboxmessage": "Replay messages",
    "notifications.cancel_outboxmessage": "Cancel messages",
    "notifications.repeat_outboxmessage": "Send messages again",
    "notifications.change_recipient_address": "Correct addresses",
    "notifications.view_channelstate": "See channels",
    "notifications.view_usage": "See usage and cost",
    "notifications.pause_channel": "Pause and resume channels",
}


class StaffTokenQuerySet(models.QuerySet["StaffToken"]):
    """Tokens, by what can be said of them."""

    def valid(self, *, now: datetime) -> Self:
        return self.filter(expires_at__gt=now, user__is_active=True, user__is_staff=True)


class StaffToken(StoredToken):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="staff_tokens")
    scope = models.JSONField(help_text="the permissions that it carries, of those that its owner has")

    objects = StaffTokenQuerySet.as_manager()

    def __str__(self) -> str:
        return f"staff token {self.pk}"

    def carries(self, permissions: Iterable[str]) -> bool:
        return set(permissions) <= set(self.scope)


def scopes_of(user: User) -> list[str]:
    """What a token of this user's may carry."""
    return [permission for permission in SCOPES if user.is_staff and user.has_perm(permission)]


@transaction.atomic
def make_staff_token(
    user: User,
    *,
    scope: Iterable[str],
    actor: str,
    reason: str,
    hours: float | None = None,
    now: datetime | None = None,
) -> str:
    """A new token of `user`'s, in the form that is shown once. Raises ValueError for too much of scope or time."""
    chosen = sorted(set(scope))
    if beyond := set(chosen) - set(scopes_of(user)):
        raise ValueError(f"{user.get_username()} cannot have a token with {', '.join(sorted(beyond))}.")
    if not chosen:
        raise ValueError("A token needs a scope.")
    hours = settings.STAFF_TOKEN_HOURS if hours is None else hours
    if not 0 < hours <= settings.STAFF_TOKEN_HOURS:
        raise ValueError(f"A token lasts {settings.STAFF_TOKEN_HOURS:g} hours at most.")
    token = secrets.token_urlsafe(32)
    made = StaffToken.objects.create(
        user=user,
        scope=chosen,
        digest=digest_of(token),
        password_stamp=user.get_session_auth_hash(),
        expires_at=(now or timezone.now()) + timedelta(hours=hours),
    )
    subject = f"user:{user.pk} staff token:{made.pk}"
    record("make_token", actor=actor, reason=reason, subject=subject, after={"scope": chosen, "hours": hours})
    return token


def find_staff_token(token: str, *, now: datetime | None = None) -> StaffToken | None:
    """The valid token that reads `token`, with its user; or None."""
    valid = StaffToken.objects.valid(now=now or timezone.now()).select_related("user")
    found = valid.filter(digest=digest_of(token)).first()
    return found if found and found.is_of_this_password(found.user) else None
