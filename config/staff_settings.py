"""Who signs in, and how staff do: docs/settings.md says what the settings mean."""

from datetime import timedelta

from config.business_settings import NAME
from config.environment import choice, env, number

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "config.auth_backends.CustomerBackend",
    "config.auth_backends.StaffBackend",
]
CUSTOMER_BACKEND = AUTHENTICATION_BACKENDS[1]  # of who has proved an address instead of a password
# Failed logins: config/login_throttle.py
AXES_FAILURE_LIMIT = number("LOGIN_FAILURES", default=5, least=1, whole=True)
LOGIN_LOCK_MINUTES = number("LOGIN_LOCK_MINUTES", default=15, least=1, whole=True)
AXES_COOLOFF_TIME = timedelta(minutes=LOGIN_LOCK_MINUTES)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "config.client_address.address_of"
AXES_USERNAME_CALLABLE = "config.login_throttle.name_of"
AXES_LOCKOUT_CALLABLE = "config.login_throttle.refuse"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # or a stranger behind the same address could keep somebody out
AXES_DISABLE_ACCESS_LOG = True  # who signed in from where, when all went well, is nobody's business
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "code"]

STAFF_SECOND_FACTOR = choice(  # whoever has a second factor always needs it
    "STAFF_SECOND_FACTOR",
    default="optional" if env.bool("DJANGO_DEBUG", default=False) else "required",
    among=("required", "optional"),
)
OTP_TOTP_ISSUER = NAME  # the name in the app
STAFF_TOKEN_HOURS = number("STAFF_TOKEN_HOURS", default=8, least=0.1)
OUTBOX_API_AUTHENTICATION = [
    "bookings.api.authentication.StaffTokenAuthentication",
    "config.staff_api.StaffSessionAuthentication",
]
FORMAT_MODULE_PATH = ["config.formats"]  # moments are written one way
OUTBOX_NAME_FIELDS = ("first_name",)  # staff find customers by its first letters; bookings has an index for it
