"""Settings, all from the environment. The units are in the names; what each one means is in README.md."""

import secrets

from config import content_security, logs, process
from config.business_settings import *  # noqa: F403
from config.business_settings import SENDER, VENUE_TIME_ZONE
from config.environment import (
    BASE_DIR,
    choice,
    env,
    limit_idle_transactions,
    mail_server,
    named,
    networks,
    notice_lost_server,
    number,
    rate,
    refuse_what_is_missing,
    require,
    secret,
)
from config.limits import *  # noqa: F403
from config.mounted_at import FORCE_SCRIPT_NAME, OUTBOX_SHARD_URLS, OUTBOX_SHARDS, PUBLIC_URL  # noqa: F401  (settings)
from config.openapi import SPECTACULAR_SETTINGS  # noqa: F401  (a setting)
from config.page_settings import *  # noqa: F403
from config.production import PUBLIC_SANDBOX_SECRET, require_real_gateway, require_real_providers
from config.provider_settings import *  # noqa: F403
from config.provider_settings import EMAIL_ESP, EMAIL_URL, OUTBOX_CHANNELS, providers
from config.route_settings import *  # noqa: F403
from config.route_settings import PRINTED_ROUTES
from config.schedules import OUTBOX_CLOCK, SCHEDULES  # noqa: F401  (settings)
from config.shard_settings import *  # noqa: F403
from config.shard_settings import DATABASES
from config.staff_settings import *  # noqa: F403

DEBUG = env.bool("DJANGO_DEBUG", default=False)
IN_PRODUCTION = not DEBUG
PROCESS = choice("DJANGO_PROCESS", default=process.ALL, among=process.ROLES)
SECRET_KEY = secret("DJANGO_SECRET_KEY", needed=IN_PRODUCTION) or secrets.token_urlsafe(50)
# Keys that were SECRET_KEY: what they signed (sessions, password links, tokens) still holds.
SECRET_KEY_FALLBACKS = env.list("DJANGO_SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("DJANGO_ALLOWED_HOSTS", default=[".localhost", "127.0.0.1", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.list("DJANGO_CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "config",
    "bookings",
    "notifications",
    "config.apps.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "axes",
    "django_q",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "config.proxies.NamedProxies",
    "config.request_ids.RequestIds",
    "config.tracing.Traces",
    "bookings.api.body_size.BodyLimit",
    "django.middleware.security.SecurityMiddleware",
    "config.content_security.ContentSecurity",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.shard_requests.Shards",
    "config.caching.NotShared",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "bookings.pages.language.PageLanguage",
    "config.throttling.Throttling",
    "bookings.last_seen.LastSeen",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "config.password_hashing.PasswordsInTurn",
    "config.unavailable.Unavailable",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "bookings.business.for_pages",
                "bookings.pages.guests.for_pages",
            ],
        },
    },
]

# ATOMIC_REQUESTS would put the payment gateway's call inside the transaction.
for _database in DATABASES.values():
    _database |= {"ATOMIC_REQUESTS": False, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    notice_lost_server(_database)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
TIME_ZONE = VENUE_TIME_ZONE  # the venue's, in which staff read and enter moments
STATIC_URL = f"{FORCE_SCRIPT_NAME or ''}/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG

# --- Logins: config/staff_settings.py ---------------------------------------------------------------------------------
PASSWORD_HASHERS = ["config.password_hashing.PasswordHasher"]
PASSWORD_HASHES_AT_ONCE = number("PASSWORD_HASHES_AT_ONCE", default=1, least=1, whole=True)  # in a process
API_TOKEN_DAYS = number("API_TOKEN_DAYS", default=30, least=1)
LOGIN_RECORD_DAYS = number("LOGIN_RECORD_DAYS", default=30, least=1)
SESSION_COOKIE_AGE = number("SESSION_HOURS", default=12, least=1, whole=True) * 3600

# --- HTTP -------------------------------------------------------------------------------------------------------------
PROXIES = number("DJANGO_PROXIES", default=0, whole=True)  # in front of us: X-Forwarded-* are believed so far
TRUSTED_PROXIES = networks("DJANGO_TRUSTED_PROXIES")  # where they are, besides on this machine
RATES = {  # config/throttling.py
    "anonymous": rate("API_RATE_ANONYMOUS", default="120/min"),
    "user": rate("API_RATE_USER", default="600/min"),
    "verify": rate("API_RATE_VERIFY", default="60/min"),
    "login": rate("API_RATE_TOKEN", default="20/min"),
    "code": rate("API_RATE_CODE", default="30/hour"),
    "webhook": rate("WEBHOOK_RATE", default="12000/min"),
}
REQUEST_BODY_MAX_BYTES = 1_000_000
DATA_UPLOAD_MAX_MEMORY_SIZE = REQUEST_BODY_MAX_BYTES
CONTENT_SECURITY_POLICY = {"DIRECTIVES": content_security.DIRECTIVES}
X_FRAME_OPTIONS = "DENY"
DEFAULT_EXCEPTION_REPORTER_FILTER = "config.debug_redaction.Discreet"
SECURE_REFERRER_POLICY = "same-origin"  # addresses name bookings and orders
if IN_PRODUCTION:
    if PROXIES:  # without one in front, the header is whatever the client says
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = env.bool("DJANGO_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"(?:^|/)(?:healthz|readyz|metrics)$"]  # probes speak plain HTTP to the container
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-sessionid"  # a browser then takes it from this very host alone, over HTTPS
    CSRF_COOKIE_NAME = "__Host-csrftoken"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "bookings.api.authentication.AccessTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["bookings.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "bookings.api.pagination.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "NUM_PROXIES": PROXIES,
    "EXCEPTION_HANDLER": "bookings.api.problems.handle",
}

# --- Payments ---------------------------------------------------------------------------------------------------------
PAYMENT_GATEWAY = named("PAYMENT_GATEWAY", default="sandbox" if DEBUG else "", among=("sandbox", "razorpay", "stripe"))
ALLOW_UNPAID_BOOKINGS = env.bool("ALLOW_UNPAID_BOOKINGS", default=DEBUG)  # at the sandbox a click pays
PAYMENT_GATEWAY_TIMEOUT_SECONDS = number("PAYMENT_GATEWAY_TIMEOUT_SECONDS", default=5, least=0.1)
SANDBOX_GATEWAY_URL = env.str("SANDBOX_GATEWAY_URL", default="http://127.0.0.1:8091")
SANDBOX_GATEWAY_SECRET = secret(
    "SANDBOX_GATEWAY_SECRET",
    needed=IN_PRODUCTION and PAYMENT_GATEWAY == "sandbox",
    default="" if IN_PRODUCTION else PUBLIC_SANDBOX_SECRET,
)
require_real_gateway(PAYMENT_GATEWAY, secret=SANDBOX_GATEWAY_SECRET, unpaid=ALLOW_UNPAID_BOOKINGS, debug=DEBUG)
# Set for a gateway that is no longer chosen, these let it settle the orders that began there.
RAZORPAY_KEY_ID = secret("RAZORPAY_KEY_ID", needed=PAYMENT_GATEWAY == "razorpay")
RAZORPAY_KEY_SECRET = secret("RAZORPAY_KEY_SECRET", needed=PAYMENT_GATEWAY == "razorpay")
RAZORPAY_WEBHOOK_SECRET = secret("RAZORPAY_WEBHOOK_SECRET", needed=PAYMENT_GATEWAY == "razorpay")
RAZORPAY_API_URL = env.str("RAZORPAY_API_URL", default="https://api.razorpay.com")
STRIPE_SECRET_KEY = secret("STRIPE_SECRET_KEY", needed=PAYMENT_GATEWAY == "stripe")
STRIPE_WEBHOOK_SECRET = secret("STRIPE_WEBHOOK_SECRET", needed=PAYMENT_GATEWAY == "stripe")
STRIPE_PUBLISHABLE_KEY = env.str("STRIPE_PUBLISHABLE_KEY", default="")  # for the form on the customer's page
STRIPE_API_URL = env.str("STRIPE_API_URL", default="https://api.stripe.com")
WEBHOOK_BODY_MAX_BYTES = number("WEBHOOK_BODY_MAX_BYTES", default=256 * 1024, least=1024, whole=True)
PAYMENT_SWEEP_HOURS = number("PAYMENT_SWEEP_HOURS", default=6 * 24, least=1)  # banks confirm up to five days late
PAYMENT_EVENT_DAYS = number("PAYMENT_EVENT_DAYS", default=90, least=1)  # gateways tell an event again for days
IDEMPOTENCY_KEY_DAYS = number("IDEMPOTENCY_KEY_DAYS", default=30, least=1)
ORDER_HOLD_SECONDS = number("ORDER_HOLD_SECONDS", default=15 * 60, least=1)

# --- Channels ---------------------------------------------------------------------------------------------------------
ANYMAIL = env.json("ANYMAIL", default={})
if EMAIL_ESP:
    INSTALLED_APPS += ["anymail"]
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default=SENDER)
# For what Django itself mails: alerts to the administrators. The channel reads EMAIL_URL.
globals().update(mail_server(EMAIL_URL, timeout=10))
SERVER_EMAIL = DEFAULT_FROM_EMAIL
ADMINS = [(address, address) for address in env.list("DJANGO_ADMINS", default=[])]
ALLOW_PRINTED_MESSAGES = env.list("ALLOW_PRINTED_MESSAGES", default=list(OUTBOX_CHANNELS) if DEBUG else [])
require_real_providers(providers | PRINTED_ROUTES, printed=ALLOW_PRINTED_MESSAGES)

# --- Outbox -----------------------------------------------------------------------------------------------------------
OUTBOX_SENDS = PROCESS in (process.ALL, process.RELAY)  # the others have no credentials of providers
OUTBOX_MAX_ATTEMPTS = number("OUTBOX_MAX_ATTEMPTS", least=1, whole=True)
OUTBOX_BACKOFF_SECONDS = number("OUTBOX_BACKOFF_SECONDS")
OUTBOX_BACKOFF_MAX_SECONDS = number("OUTBOX_BACKOFF_MAX_SECONDS")
OUTBOX_MAX_DEFERRALS = number("OUTBOX_MAX_DEFERRALS", least=1, whole=True)
OUTBOX_DEFERRAL_SECONDS = number("OUTBOX_DEFERRAL_SECONDS")
OUTBOX_DEFERRAL_MAX_SECONDS = number("OUTBOX_DEFERRAL_MAX_SECONDS")
OUTBOX_LEASE_SECONDS = number("OUTBOX_LEASE_SECONDS", least=1)
OUTBOX_SEND_TIMEOUT_SECONDS = number("OUTBOX_SEND_TIMEOUT_SECONDS", least=0.1)
OUTBOX_MAX_ATTEMPTS_OF = {  # OUTBOX_MAX_ATTEMPTS_SMS=5
    name: number(f"OUTBOX_MAX_ATTEMPTS_{name.upper()}", default=OUTBOX_MAX_ATTEMPTS, least=1, whole=True)
    for name in OUTBOX_CHANNELS
}
OUTBOX_LINK_KEY = env.str("OUTBOX_LINK_KEY", default="")  # signs unsubscribe links; unset, DJANGO_SECRET_KEY does
if PROCESS == process.RELAY:
    require(
        OUTBOX_LINK_KEY or env.str("DJANGO_SECRET_KEY", default=""), unmet="OUTBOX_LINK_KEY is not set (as in the web)"
    )
OUTBOX_RELEASE = env.str("OUTBOX_RELEASE", default="")
OUTBOX_LINK_KEY_FALLBACKS = env.list("OUTBOX_LINK_KEY_FALLBACKS", default=[])
OUTBOX_STOP_WORDS = env.list("OUTBOX_STOP_WORDS", default=[])  # ARRÊT,BAJA: as a reply they opt out, as STOP does
OUTBOX_START_WORDS = env.list("OUTBOX_START_WORDS", default=[])
OUTBOX_PRUNE_DAYS = number("OUTBOX_PRUNE_DAYS", default=365)
OUTBOX_READY_MAX_AGE_SECONDS = number("OUTBOX_READY_MAX_AGE_SECONDS", default=120)
OUTBOX_ALERT_AGE_SECONDS = number("OUTBOX_ALERT_AGE_SECONDS")
OUTBOX_ALERT_FAILURE_PERCENT = number("OUTBOX_ALERT_FAILURE_PERCENT")
OUTBOX_ALERT_SNAPSHOT_SECONDS = number("OUTBOX_ALERT_SNAPSHOT_SECONDS")
OUTBOX_ALERT_URL = env.str("OUTBOX_ALERT_URL", default="")
OUTBOX_METRICS = ["bookings.metrics.SeatMetrics"]  # further collectors for /metrics
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
OUTBOX_LANE = choice("OUTBOX_LANE", among=("recipient", "recipient+channel"))
# Where a message's reference leads in the admin: the part before the colon, and a URL that takes the part after it.
OUTBOX_REFERENCE_LINKS = {"booking": "admin:bookings_booking_change", "order": "admin:bookings_order_change"}
OUTBOX_QUIET_HOURS = env.str("OUTBOX_QUIET_HOURS", default="")  # 22-8, by the recipient's clock; empty: never
OUTBOX_RESCUE = choice("OUTBOX_RESCUE", among=("prompt", "lease"))
if OUTBOX_RESCUE == "prompt":  # a proxy that pools transactions takes no session's settings: there, set it on the role
    # A process that hangs within a transaction holds its lanes, and keeps dead rows from being cleaned up.
    for _database in DATABASES.values():
        limit_idle_transactions(_database, seconds=min(30, OUTBOX_LEASE_SECONDS / 2))

# --- Logs -------------------------------------------------------------------------------------------------------------
LOG_FORMAT = choice("LOG_FORMAT", default="json" if IN_PRODUCTION else "line", among=("json", "line"))
LOG_LEVEL = choice("LOG_LEVEL", default="INFO", among=("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_SQL = env.bool("LOG_SQL", default=False)  # Django tells its statements only where DJANGO_DEBUG is on
LOGGING = logs.configuration(form=LOG_FORMAT, level=LOG_LEVEL, sql=LOG_SQL)

# --- Schedules --------------------------------------------------------------------------------------------------------
REMINDER_HOURS = number("REMINDER_HOURS", default=24, least=0)
Q_CLUSTER = {
    "name": "bookings",
    "orm": "default",
    "broker_class": "bookings.cluster.Broker",  # runs only what SCHEDULES names
    "workers": number("SCHEDULE_WORKERS", default=2, least=1, whole=True),
    "timeout": 300,  # seconds after which a task's process is ended
    "retry": 360,  # seconds after which a task whose worker was killed is given to another
    "max_attempts": 1,
    "ack_failures": True,  # the schedule's next run is the retry
    "catch_up": False,  # one run makes up for all that were missed
    "save_limit": 500,  # successes that are kept; failures stay until someone deletes them
    "label": "Schedules",
}
refuse_what_is_missing()
