"""The project's settings for a campaign: the test-only app, plain words, and schedules without a first pause."""

import os

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, Q_CLUSTER, SCHEDULES, TEMPLATES
from tests.chaos.plan import CODE_SECONDS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.apps.ChaosConfig"]
# Words that a machine can read back, whatever the project's own may say: `wording` writes them.
TEMPLATES = [{**TEMPLATES[0], "DIRS": [folder for folder in [os.environ.get("CHAOS_WORDS")] if folder]}]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
Q_CLUSTER = Q_CLUSTER | {"guard_cycle": 5}
# A campaign's customers cancel four times a second, and one run of this gives a hundred payments back.
SCHEDULES = SCHEDULES | {
    f"execute refunds {number}": ("bookings.schedules.execute_refunds", 1) for number in range(2, 5)
}
# A campaign's customers book and cancel far more than people do, and every message of theirs is to arrive.
OUTBOX_CAP_RECIPIENT_HOUR = OUTBOX_CAP_RECIPIENT_DAY = OUTBOX_CAP_NUMBER_HOUR = OUTBOX_CAP_NUMBER_DAY = 0
CUSTOMER_OPEN_ORDERS = CUSTOMER_HELD_SEATS = CUSTOMER_BOOKINGS_PER_DAY = CUSTOMER_CANCELLATIONS_PER_DAY = 0
CUSTOMER_UNPAID_ORDERS_OF_SLOT = CUSTOMER_UNPAID_ORDERS_PER_DAY = 0
PAYMENT_FAILED_MINUTES = 0
# Their codes expire while a provider is away, and who has moved comes back at once.
OUTBOX_CODE_MINUTES = CODE_SECONDS / 60
OUTBOX_CODES_PER_HOUR = OUTBOX_CODES_PER_DAY = 10_000
CUSTOMER_ADDRESS_HOURS = 0
