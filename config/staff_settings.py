"""Who signs in, and how staff do: docs/settings.md says what the settings mean."""

from config.environment import choice, env, number

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "config.auth_backends.CustomerBackend",
    "config.auth_backends.StaffBackend",
]
STAFF_SECOND_FACTOR = choice(  # whoever has a second factor always needs it
    "STAFF_SECOND_FACTOR",
    default="optional" if env.bool("DJANGO_DEBUG", default=False) else "required",
    among=("required", "optional"),
)
OTP_TOTP_ISSUER = "Bookings"  # the name in the app
STAFF_TOKEN_HOURS = number("STAFF_TOKEN_HOURS", default=8, least=0.1)
OUTBOX_API_AUTHENTICATION = [
    "bookings.api.authentication.StaffTokenAuthentication",
    "config.staff_api.StaffSessionAuthentication",
]
