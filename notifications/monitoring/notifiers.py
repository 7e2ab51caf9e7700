"""Sends alerts: to ADMINS by email, and to a webhook (OUTBOX_ALERT_URL). Reaching one of them is enough."""

import logging
import socket
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

import requests
from django.conf import settings
from django.core.mail import send_mail

from notifications.content.public_links import public_link
from notifications.models.alert import Alert
from notifications.policy.runbook import OF_ALERTS
from notifications.transport.deadline import Deadline
from notifications.transport.http import PooledSession

SECONDS = 10.0  # for the whole webhook call
LOOPBACK = ("localhost", "127.0.0.1", "::1")

logger = logging.getLogger(__name__)


def send(alert: Alert) -> bool:
    """Send to all that are configured. True if one was reached, or if none is configured: then the log has it."""
    notifiers = [*([_email] if _admins() else []), *([_post] if _url() else [])]
    reached = [_tried(notifier, alert) for notifier in notifiers]
    return not reached or any(reached)


def url_problem(url: str) -> str:
    """Why alerts cannot be posted to `url`; "" if they can. Other machines are only reached by https."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return ""
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        return ""
    return "OUTBOX_ALERT_URL must be https://… (or http:// on this machine)."


def subject_of(alert: Alert) -> str:
    return f"{'Outbox' if alert.is_firing else 'Over: outbox'}: {alert.name}"


def runbook_page(alert: Alert) -> str:
    """The public address of the page that says what to do; empty without PUBLIC_URL, or where there is none."""
    rule, _, channel = alert.name.partition(":")
    trouble = OF_ALERTS.get(rule)
    page = public_link("outbox:runbook", trouble.name) if trouble else ""
    return f"{page}?{urlencode({'channel': channel})}" if page and channel else page


def _tried(notifier: Callable[[Alert], None], alert: Alert) -> bool:
    try:
        notifier(alert)
    except (OSError, ValueError, requests.RequestException) as error:  # smtplib's errors are OSErrors
        logger.error("alert %s could not be told: %s", alert.name, type(error).__name__)  # noqa: TRY400  (no traceback)
        return False
    return True


def _email(alert: Alert) -> None:
    since = f"Since {alert.raised_at:%Y-%m-%d %H:%M} UTC, on {socket.gethostname()}."
    page = runbook_page(alert)
    todo = f"What to do: {page}\n\n" if page else ""
    send_mail(subject_of(alert), f"{alert.detail}\n\n{todo}{since}\n", settings.SERVER_EMAIL, _admins())


def _post(alert: Alert) -> None:
    """Post the alert as JSON; chat services show its `text`."""
    url = _url()
    if problem := url_problem(url):
        raise ValueError(problem)
    document = {
        "alert": alert.name,
        "state": "firing" if alert.is_firing else "resolved",
        "since": alert.raised_at.isoformat(),
        "detail": alert.detail,
        "host": socket.gethostname(),
        "runbook": (page := runbook_page(alert)),
        "text": f"{subject_of(alert)}: {alert.detail} {page}".rstrip(),
    }
    session = PooledSession(url)
    try:
        with Deadline.after(SECONDS).enforced():
            answer = session.send(requests.Request("POST", url, json=document))
    finally:
        session.close()
    if not 200 <= answer.status_code < 300:  # a redirect is not followed, and counts as a failure
        raise OSError(f"HTTP {answer.status_code}")


def _admins() -> list[str]:
    """The addresses of ADMINS: pairs of name and address, or addresses alone."""
    return [each if isinstance(each, str) else each[1] for each in settings.ADMINS]


def _url() -> str:
    return str(getattr(settings, "OUTBOX_ALERT_URL", ""))
