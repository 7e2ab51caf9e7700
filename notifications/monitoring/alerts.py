"""Reports each alert once when it starts and once when it clears, even if several processes evaluate the rules at once.

The state is in the database. A process takes an alert for two minutes and reports it. If it dies, or nobody can be
reached, the next evaluation tries again. An alert that comes and goes is reported once: it clears only after a
quiet time.
"""

from collections.abc import Callable
from datetime import timedelta

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q
from django.db.models.functions import Now

from notifications.models.alert import Alert
from notifications.monitoring.alert_rules import Findings, wrong_now
from notifications.protocol.bad_rows import report
from notifications.telemetry import emit

QUIET = timedelta(minutes=5)  # an alert clears after it has not held for this long
NOTIFYING = timedelta(minutes=2)  # longer than a report takes; then another process may try

Notifier = Callable[[Alert], bool]


def evaluate(notify: Notifier, *, found: Findings | None = None, using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Record the alerts that hold, and have `notify` report new and cleared ones. Returns the names that were reported.

    `notify` returns True if it reached somebody.
    """
    _record(wrong_now(using) if found is None else found, using)
    return [alert.name for alert in _unreported(using) if _take(alert, using) and _notified(alert, notify, using)]


def _record(found: Findings, using: str) -> None:
    alerts = Alert.objects.using(using)
    for name, detail in found.alerts.items():
        _, is_new = alerts.get_or_create(name=name, defaults={"detail": detail[:300]})
        if is_new:
            emit("alert.raised", alert=name)
        else:
            alerts.filter(name=name).update(detail=detail[:300], is_firing=True, seen_at=Now())
    for alert in alerts.filter(is_firing=True, seen_at__lt=Now() - QUIET).exclude(name__in=found.alerts):
        if found.are_known(alert.name) and alerts.filter(pk=alert.pk, is_firing=True, seen_at=alert.seen_at).update(
            is_firing=False
        ):
            emit("alert.cleared", alert=alert.name)
    alerts.filter(is_firing=False, notified_at__isnull=True).delete()  # nobody was told, so nobody needs an all-clear


def _unreported(using: str) -> list[Alert]:
    """Alerts that nobody was notified of yet, and cleared ones."""
    return list(Alert.objects.using(using).filter(Q(notified_at__isnull=True) | Q(is_firing=False)).order_by("pk"))


def _take(alert: Alert, using: str) -> bool:
    """Take the alert for a while, so that only one process reports it. False: another one has it."""
    mine = Alert.objects.using(using).filter(
        pk=alert.pk, is_firing=alert.is_firing, notified_at=alert.notified_at, notifying_until__lte=Now()
    )
    return bool(mine.update(notifying_until=Now() + NOTIFYING))


def _reached(alert: Alert, notify: Notifier) -> bool:
    """Whether somebody was notified. A notifier that raises does not stop the reports of other alerts."""
    try:
        return notify(alert)
    except Exception as error:  # noqa: BLE001  (whatever it is; the log has it)
        report("notifying", alert.name, error)
        return False


def _notified(alert: Alert, notify: Notifier, using: str) -> bool:
    ours = Alert.objects.using(using).filter(pk=alert.pk, is_firing=alert.is_firing)
    if not _reached(alert, notify):
        ours.update(notifying_until=Now())
        return False
    if alert.is_firing:
        ours.update(notified_at=Now(), notifying_until=Now())
    else:
        ours.delete()
    return True
