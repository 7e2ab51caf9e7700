"""Tokens: how customers' programs sign in. A token is shown once, when it is made. The database stores only its
digest, so a copy of the database lets nobody in.

It ends after API_TOKEN_DAYS, with its user's password, and when staff delete it. A digest without salt is enough: what
it is made of are 256 random bits, which nobody can guess.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.crypto import constant_time_compare

MOST_TOKENS = 20  # of one user: the oldest make room


class AccessTokenQuerySet(models.QuerySet["AccessToken"]):
    """Tokens, by what can be said of them."""

    def valid(self, *, now: datetime) -> Self:
        """Those of customers: who has become staff since has other doors."""
        return self.filter(expires_at__gt=now, user__is_active=True, user__is_staff=False)


class StoredToken(models.Model):
    """What the database keeps of a token, which opens nothing."""

    digest = models.CharField(max_length=64, unique=True, editable=False)
    password_stamp = models.CharField(max_length=128, editable=False, help_text="changes with the user's password")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()

    class Meta:
        abstract = True

    def is_of_this_password(self, user: User) -> bool:
        """Whether the password is still the one that it was given with."""
        return is_stamp_of(user, self.password_stamp)


class AccessToken(StoredToken):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access_tokens")
    device = models.CharField(max_length=60, blank=True, db_default="", help_text="what last used it, in words")
    seen_at = models.DateTimeField(null=True)

    objects = AccessTokenQuerySet.as_manager()

    def __str__(self) -> str:
        return f"token {self.pk}"


def is_stamp_of(user: User, stamp: str) -> bool:
    """Whether a token or session with this stamp knew the user's password, under this SECRET_KEY or an earlier one."""
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return any(constant_time_compare(stamp, each) for each in hashes)


@transaction.atomic
def give_token(user: User, *, now: datetime | None = None) -> str:
    """A new token for `user`, in the form that the client gets once."""
    now = now or timezone.now()
    token = secrets.token_urlsafe(32)
    AccessToken.objects.create(
        user=user,
        digest=digest_of(token),
        password_stamp=user.get_session_auth_hash(),
        expires_at=now + timedelta(days=settings.API_TOKEN_DAYS),
    )
    kept = AccessToken.objects.filter(user=user).valid(now=now).order_by("-pk").values_list("pk", flat=True)
    AccessToken.objects.filter(user=user).exclude(pk__in=list(kept[:MOST_TOKENS])).delete()
    return token


def find_token(token: str, *, now: datetime | None = None) -> AccessToken | None:
    """The valid token that reads `token`, with its user; or None."""
    valid = AccessToken.objects.valid(now=now or timezone.now()).select_related("user")
    found = valid.filter(digest=digest_of(token)).first()
    return found if found and found.is_of_this_password(found.user) else None


def digest_of(token: str) -> str:
    """What is stored of `token`."""
    return hashlib.sha256(token.encode()).hexdigest()
