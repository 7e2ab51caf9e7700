"""What every WSGI server does before it answers: the system checks, as management commands run them by themselves."""

import sys

from django.core import checks

from config import process

FAILED_TO_BOOT = 3  # with which gunicorn gives up, instead of starting the worker again and again


def refuse_errors() -> None:
    """End the process if it is no web, or if a system check finds an error; standard error names each, in a line."""
    if why := process.refusal(process.WEB):
        sys.stderr.write(f"{why}\n")
        raise SystemExit(FAILED_TO_BOOT)
    errors = [each for each in checks.run_checks() if each.is_serious() and not each.is_silenced()]
    for error in errors:
        sys.stderr.write(f"{error.id}: {error.msg}\n")
    if errors:
        raise SystemExit(FAILED_TO_BOOT)
