"""The web application, as gunicorn and other WSGI servers load it."""

import os

from django.core.wsgi import get_wsgi_application

from config.logs import log_what_nobody_catches
from config.startup import refuse_errors

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

log_what_nobody_catches()
application = get_wsgi_application()
refuse_errors()
