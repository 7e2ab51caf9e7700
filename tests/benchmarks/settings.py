"""The project's settings with providers that do nothing, and what the peers need of Django beside them."""

import importlib.util

from config.environment import env
from config.settings import *  # noqa: F403
from config.settings import DATABASES, INSTALLED_APPS, LOGGING
from tests.benchmarks.real_providers import IS_REAL, REAL
from tests.benchmarks.sizes import CONCURRENCY

DEBUG = False
_NO_OP = "tests.benchmarks.provider.NoOpChannel"
OUTBOX_CHANNELS = {"sms": _NO_OP, "whatsapp": _NO_OP, "email": _NO_OP}
if real := env.str(IS_REAL, default=""):
    OUTBOX_CHANNELS[real] = REAL[real]
# The peers that work through Django's connections keep them; without this each task would make a new one.
DATABASES = {"default": DATABASES["default"] | {"CONN_MAX_AGE": None}}
LOGGING = {**LOGGING, "loggers": LOGGING["loggers"] | {"django-q": {"level": "ERROR"}}}  # else a line for each task
# The users of some cases get more than the default caps allow. They are counted as by default, against other limits.
_CAP = env.int("BENCHMARK_CAP", default=1_000_000)
OUTBOX_CAP_RECIPIENT_HOUR = OUTBOX_CAP_RECIPIENT_DAY = OUTBOX_CAP_NUMBER_HOUR = OUTBOX_CAP_NUMBER_DAY = _CAP
OUTBOX_CONTACT_OF = env.str("BENCHMARK_CONTACT_OF", default="")
SCHEDULES = {}  # the business's own
SILENCED_SYSTEM_CHECKS = ["notifications.E011"]  # no kind has words for an email that is sent like an SMS

_PEERS = {"django_q": "django_q", "procrastinate": "procrastinate.contrib.django", "post_office": "post_office"}
INSTALLED_APPS = INSTALLED_APPS + [
    app for package, app in _PEERS.items() if importlib.util.find_spec(package) and app not in INSTALLED_APPS
]
PROCRASTINATE_IMPORT_PATHS = ["tests.benchmarks.contenders.procrastinate"]
Q_CLUSTER = {
    "name": "benchmark",
    "orm": "default",
    "workers": env.int("BENCHMARK_WORKERS", default=2),
    "bulk": CONCURRENCY,
    "queue_limit": 2 * CONCURRENCY,
    "poll": 0.2,
    "timeout": 60,
    "retry": 3600,
    "recycle": 1_000_000,
    "save_limit": 0,
}

# One customer books all day.
CUSTOMER_OPEN_ORDERS = CUSTOMER_HELD_SEATS = CUSTOMER_BOOKINGS_PER_DAY = CUSTOMER_CANCELLATIONS_PER_DAY = 0
CUSTOMER_UNPAID_ORDERS_OF_SLOT = CUSTOMER_UNPAID_ORDERS_PER_DAY = 0
