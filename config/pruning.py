"""Deletes what the project's own tables and those of packages need no more. Scheduled in `config.schedules`."""

from datetime import datetime, timedelta

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef
from django.utils import timezone

from bookings.pruning import delete_in_batches
from bookings.sign_ins import SignIn
from config.models import RequestRate


def prune_logins(*, now: datetime | None = None) -> str:
    """Delete sessions that have ended, and failed logins from more than LOGIN_RECORD_DAYS ago."""
    now = now or timezone.now()
    failed = AccessAttempt.objects.filter(attempt_time__lt=now - timedelta(days=settings.LOGIN_RECORD_DAYS))
    ended = Session.objects.filter(expire_date__lt=now)
    said = f"{delete_in_batches(failed)} failed logins, {delete_in_batches(ended)} sessions forgotten"
    gone = SignIn.objects.exclude(Exists(Session.objects.filter(pk=OuterRef("session_key"))))
    delete_in_batches(gone.filter(seen_at__lt=now - timedelta(minutes=5)))  # a younger one's session may be on its way
    return said


def prune_rates(*, now: datetime | None = None) -> str:
    """Delete the rows of those who have not been near a limit for an hour."""
    idle = RequestRate.objects.filter(whole_at__lt=(now or timezone.now()) - timedelta(hours=1))
    return f"{idle.delete()[0]} request rates forgotten"
