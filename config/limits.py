"""Limits on what one customer, recipient or phone number may cause. What happens at each is in docs/settings.md.

The defaults are far above what people do, and far below what somebody needs who earns from SMS, or wants to keep seats
from others. 0: no limit.
"""

from config.environment import amounts, env, number

# --- Customers: bookings/limits.py ------------------------------------------------------------------------------------
CUSTOMER_OPEN_ORDERS = number("CUSTOMER_OPEN_ORDERS", default=10, whole=True)
CUSTOMER_HELD_SEATS = number("CUSTOMER_HELD_SEATS", default=20, whole=True)  # of one slot
CUSTOMER_UNPAID_ORDERS_OF_SLOT = number("CUSTOMER_UNPAID_ORDERS_OF_SLOT", default=5, whole=True)  # in 24 hours
CUSTOMER_UNPAID_ORDERS_PER_DAY = number("CUSTOMER_UNPAID_ORDERS_PER_DAY", default=30, whole=True)
CUSTOMER_BOOKINGS_PER_DAY = number("CUSTOMER_BOOKINGS_PER_DAY", default=30, whole=True)
CUSTOMER_CANCELLATIONS_PER_DAY = number("CUSTOMER_CANCELLATIONS_PER_DAY", default=10, whole=True)
CUSTOMER_ADDRESS_HOURS = number("CUSTOMER_ADDRESS_HOURS", default=24)  # until a code to a new address opens the account
GUEST_DAYS = number("GUEST_DAYS", default=2, least=1)  # how long a guest who orders nothing is kept
UNPAID_ORDER_DAYS = number("UNPAID_ORDER_DAYS", default=365)  # how long orders that nobody paid are kept
PAYMENT_FAILED_MINUTES = number("PAYMENT_FAILED_MINUTES", default=60)  # between two such messages about one order

# --- Messages: notifications/relay/caps.py ----------------------------------------------------------------------------
OUTBOX_ALLOWED_COUNTRIES = [  # DE,AT,CH: whose numbers are written to; *: everybody's
    country.strip().upper() for country in env.list("OUTBOX_ALLOWED_COUNTRIES", default=[])
]
# At most so many messages in an hour and in a day of the clock.
OUTBOX_CAP_RECIPIENT_HOUR = number("OUTBOX_CAP_RECIPIENT_HOUR", default=60, whole=True)
OUTBOX_CAP_RECIPIENT_DAY = number("OUTBOX_CAP_RECIPIENT_DAY", default=200, whole=True)
OUTBOX_CAP_NUMBER_HOUR = number("OUTBOX_CAP_NUMBER_HOUR", default=30, whole=True)
OUTBOX_CAP_NUMBER_DAY = number("OUTBOX_CAP_NUMBER_DAY", default=60, whole=True)
OUTBOX_CAP_REPEATS_DAY = number("OUTBOX_CAP_REPEATS_DAY", default=3, whole=True)

# --- Money: notifications/relay/spending.py ---------------------------------------------------------------------------
OUTBOX_SPEND_CAPS = amounts("OUTBOX_SPEND_CAPS")  # DE=50,*=10: the most that a day's messages to a country may cost
OUTBOX_SPEND_CURRENCY = env.str("OUTBOX_SPEND_CURRENCY", default="").strip().upper()  # of these caps, and of the prices

# --- Addresses: notifications/verification.py -------------------------------------------------------------------------
OUTBOX_VERIFY_ADDRESSES = env.bool("OUTBOX_VERIFY_ADDRESSES", default=True)  # a new one is used once its code came back
OUTBOX_CONTACT_OF = ""  # customers change their addresses in their profile, and confirm them by a code
OUTBOX_TRUST_USER_EMAIL = env.bool("OUTBOX_TRUST_USER_EMAIL", default=True)  # those of the user table need no code
OUTBOX_CONVERSATION_DAYS = number("OUTBOX_CONVERSATION_DAYS", default=30)
OUTBOX_VERIFICATION_DAYS = number("OUTBOX_VERIFICATION_DAYS", default=30, least=1)
OUTBOX_MEDIA_HOURS = number("OUTBOX_MEDIA_HOURS", default=24, least=1)  # a link to a WhatsApp message's file
OUTBOX_CODE_MINUTES = number("OUTBOX_CODE_MINUTES", default=10, least=1)
OUTBOX_CODE_GUESSES = number("OUTBOX_CODE_GUESSES", default=5, least=1, whole=True)
OUTBOX_CODES_PER_HOUR = number("OUTBOX_CODES_PER_HOUR", default=5, least=1, whole=True)
OUTBOX_CODES_PER_DAY = number("OUTBOX_CODES_PER_DAY", default=10, least=1, whole=True)
