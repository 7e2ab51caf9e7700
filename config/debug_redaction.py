"""Hides secrets on Django's debug page, whatever their names.

Only DJANGO_DEBUG shows tracebacks. But people paste them into chats and tickets, with the process's environment, where
URLs hold passwords.
"""

import re

from django.views.debug import SafeExceptionReporterFilter


class Discreet(SafeExceptionReporterFilter):
    """Hides what Django hides, and URLs too: those of databases, mail servers and webhooks carry passwords."""

    hidden_settings = re.compile(
        f"{SafeExceptionReporterFilter.hidden_settings.pattern}|URL|DSN|TWILIO|VONAGE|SINCH|WHATSAPP|RESEND|STRIPE|RAZORPAY|EMAIL|DATABASE",
        re.IGNORECASE,
    )
