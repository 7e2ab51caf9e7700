"""The project's settings for a campaign: the test-only app, plain words, and schedules without a first pause."""

import os

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, Q_CLUSTER, SCHEDULES, TEMPLATES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.apps.ChaosConfig"]
# Words that a machine can read back, whatever the project's own may say: `wording` writes them.
TEMPLATES = [{**TEMPLATES[0], "DIRS": [folder for folder in [os.environ.get("CHAOS_WORDS")] if folder]}]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
Q_CLUSTER = Q_CLUSTER | {"guard_cycle": 5}
# A campaign's customers cancel four times a second, and one run of this gives a hundred payments back.
SCHEDULES = SCHEDULES | {
    f"execute refunds {number}": ("bookings.schedules.execute_refunds", 1) for number in range(2, 5)
}
