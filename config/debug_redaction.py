"""What a traceback's page shows of settings and environment: never a secret, however it is named.

Tracebacks are shown with DJANGO_DEBUG alone. But they end up in chats and tickets, with whatever was in the process's
environment, and there the passwords stand in URLs.
"""

import re

from django.views.debug import SafeExceptionReporterFilter


class Discreet(SafeExceptionReporterFilter):
    """Django's own list of what is hidden, and URLs: those of databases, mail servers and webhooks carry passwords."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|URL|DSN|TWILIO|STRIPE|RAZORPAY|EMAIL|DATABASE",
        re.IGNORECASE,
    )
