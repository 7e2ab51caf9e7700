"""The demo's settings: passwords are hashed quickly, because the demo prints them anyway."""

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Fifty customers who book without end are what the demo shows.
OUTBOX_CAP_RECIPIENT_HOUR = OUTBOX_CAP_RECIPIENT_DAY = OUTBOX_CAP_NUMBER_HOUR = OUTBOX_CAP_NUMBER_DAY = 0
CUSTOMER_OPEN_ORDERS = CUSTOMER_HELD_SEATS = CUSTOMER_BOOKINGS_PER_DAY = CUSTOMER_CANCELLATIONS_PER_DAY = 0
CUSTOMER_UNPAID_ORDERS_OF_SLOT = CUSTOMER_UNPAID_ORDERS_PER_DAY = 0
