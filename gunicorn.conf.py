"""gunicorn's own settings, read from the folder that it is started in: how it logs, and how its workers share Python.

The access log names the path without its query and no referrer: staff search for phone numbers and addresses (G12).
"""

import os
import sys
from typing import Any

from config import logs, proxies
from config.settings import IN_PRODUCTION, LOG_FORMAT, LOG_LEVEL
from notifications.management import interpreter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

accesslog = "-" if IN_PRODUCTION else None
access_log_format = '%(h)s "%(m)s %(U)s" %(s)s %(B)s bytes %(M)s ms [%({x-request-id}o)s]'
logconfig_dict = logs.configuration(form=LOG_FORMAT, level=LOG_LEVEL, sql=False)


def on_starting(server: Any) -> None:
    """Refuse to be reached past the proxy that is believed."""
    if why := proxies.refusal(server.cfg.address):
        sys.exit(f"gunicorn: {why}")


def post_worker_init(_worker: object) -> None:
    """Let no request wait 5 ms, Python's default, for the interpreter whenever another one is busy.

    A request asks for it after each answer of the database: a dozen times.
    """
    interpreter.tune()
