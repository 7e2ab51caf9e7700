"""The demo's settings: a business by the lake, and passwords that are hashed quickly, because the demo prints them."""

import os

from config import environment  # noqa: F401  (it reads .env: a business of your own is shown as yours)

os.environ.setdefault("BUSINESS_NAME", "Lakeside")
if os.environ["BUSINESS_NAME"] == "Lakeside":
    os.environ.setdefault("BUSINESS_ADDRESS", "Uferweg 1; 88131 Lindau; Germany")
    os.environ.setdefault("BUSINESS_EMAIL", "hello@lakeside.example")
    os.environ.setdefault("BUSINESS_PHONE", "+49 8382 555 0100")
    os.environ.setdefault("BUSINESS_LEGAL", "Lakeside is made up for this demo.")
    os.environ.setdefault("BUSINESS_TIME_ZONE", "Europe/Berlin")

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Fifty customers who book without end are what the demo shows.
OUTBOX_CAP_RECIPIENT_HOUR = OUTBOX_CAP_RECIPIENT_DAY = OUTBOX_CAP_NUMBER_HOUR = OUTBOX_CAP_NUMBER_DAY = 0
CUSTOMER_OPEN_ORDERS = CUSTOMER_HELD_SEATS = CUSTOMER_BOOKINGS_PER_DAY = CUSTOMER_CANCELLATIONS_PER_DAY = 0
CUSTOMER_UNPAID_ORDERS_OF_SLOT = CUSTOMER_UNPAID_ORDERS_PER_DAY = 0
