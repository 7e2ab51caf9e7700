"""The browsers that somebody is signed in with, as their owner sees them: which, since when, and when last seen.

The session itself is Django's row, which says none of that. A sign-in whose session has ended counts for nothing.
"""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

MOST_DEVICE = 60  # characters


class SignInQuerySet(models.QuerySet["SignIn"]):
    """Sign-ins, by what can be said of them."""

    def valid(self, *, now: datetime) -> Self:
        """Those whose session has not ended."""
        return self.filter(Exists(Session.objects.filter(pk=OuterRef("session_key"), expire_date__gt=now)))

    @transaction.atomic
    def end(self) -> int:
        """End their sessions at once; returns how many there were."""
        keys = list(self.values_list("session_key", flat=True))
        ended, _ = Session.objects.filter(pk__in=keys).delete()
        self.model.objects.filter(session_key__in=keys).delete()
        return ended


class SignIn(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_ins")
    session_key = models.CharField(max_length=40, unique=True, editable=False)
    device = models.CharField(max_length=MOST_DEVICE)
    since = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField()

    objects = SignInQuerySet.as_manager()

    def __str__(self) -> str:
        return f"sign-in {self.pk}"
