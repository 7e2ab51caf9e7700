"""The settings of the providers that channels can choose from, and the class that speaks to each.

`SMS_PROVIDER` and `WHATSAPP_PROVIDER` name one of them.
"""

from config.environment import choice, env, named, require, secret

CONSOLE = "notifications.channels.console.ConsoleChannel"
SMS_PROVIDERS = {
    "twilio": "notifications.channels.twilio.SmsChannel",
    "vonage": "notifications.channels.vonage.VonageSmsChannel",
    "sinch": "notifications.channels.sinch.SinchSmsChannel",
    "console": CONSOLE,
}
WHATSAPP_PROVIDERS = {
    "twilio": "notifications.channels.twilio.WhatsAppChannel",
    "meta": "notifications.channels.meta.WhatsAppCloudChannel",
    "console": CONSOLE,
}
EMAIL_PROVIDERS = {
    "": "notifications.channels.email.EmailChannel",
    "esp": "notifications.channels.esp.EspChannel",
    "resend": "notifications.channels.resend.ResendChannel",
}
# The demo and development print messages; production says who sends them.
_CONSOLE = "console" if env.bool("DJANGO_DEBUG", default=False) else ""
SMS_PROVIDER = named("SMS_PROVIDER", default=_CONSOLE, among=tuple(SMS_PROVIDERS))
WHATSAPP_PROVIDER = named("WHATSAPP_PROVIDER", default=_CONSOLE, among=tuple(WHATSAPP_PROVIDERS))
_TWILIO = "twilio" in (SMS_PROVIDER, WHATSAPP_PROVIDER)
TWILIO_ACCOUNT_SID = secret("TWILIO_ACCOUNT_SID", needed=_TWILIO)
TWILIO_AUTH_TOKEN = secret("TWILIO_AUTH_TOKEN", needed=_TWILIO)
TWILIO_MESSAGING_SERVICE_SID = env.str("TWILIO_MESSAGING_SERVICE_SID", default="")
TWILIO_SMS_FROM = secret("TWILIO_SMS_FROM", needed=SMS_PROVIDER == "twilio" and not TWILIO_MESSAGING_SERVICE_SID)
TWILIO_WHATSAPP_FROM = secret("TWILIO_WHATSAPP_FROM", needed=WHATSAPP_PROVIDER == "twilio")
TWILIO_WHATSAPP_TEMPLATES = env.json("TWILIO_WHATSAPP_TEMPLATES", default={})  # {"kind": {"language": "HX…"}}
TWILIO_API_URL = env.str("TWILIO_API_URL", default="")  # another server in Twilio's place: a sandbox, a recording proxy

VONAGE_API_KEY = secret("VONAGE_API_KEY", needed=SMS_PROVIDER == "vonage")
VONAGE_API_SECRET = secret("VONAGE_API_SECRET", needed=SMS_PROVIDER == "vonage")
VONAGE_SIGNATURE_SECRET = secret("VONAGE_SIGNATURE_SECRET", needed=SMS_PROVIDER == "vonage")  # of its callbacks
VONAGE_SMS_FROM = secret("VONAGE_SMS_FROM", needed=SMS_PROVIDER == "vonage")
VONAGE_API_URL = env.str("VONAGE_API_URL", default="")  # another server in Vonage's place, as TWILIO_API_URL

SINCH_SERVICE_PLAN_ID = secret("SINCH_SERVICE_PLAN_ID", needed=SMS_PROVIDER == "sinch")
SINCH_API_TOKEN = secret("SINCH_API_TOKEN", needed=SMS_PROVIDER == "sinch")
SINCH_WEBHOOK_SECRET = secret("SINCH_WEBHOOK_SECRET", needed=SMS_PROVIDER == "sinch")
SINCH_SMS_FROM = secret("SINCH_SMS_FROM", needed=SMS_PROVIDER == "sinch")
SINCH_REGION = env.str("SINCH_REGION", default="us")
SINCH_API_URL = env.str("SINCH_API_URL", default="")

# WhatsApp through Meta's Cloud API
WHATSAPP_PHONE_NUMBER_ID = secret("WHATSAPP_PHONE_NUMBER_ID", needed=WHATSAPP_PROVIDER == "meta")
WHATSAPP_ACCESS_TOKEN = secret("WHATSAPP_ACCESS_TOKEN", needed=WHATSAPP_PROVIDER == "meta")
WHATSAPP_APP_SECRET = secret("WHATSAPP_APP_SECRET", needed=WHATSAPP_PROVIDER == "meta")  # signs its callbacks
WHATSAPP_VERIFY_TOKEN = secret(
    "WHATSAPP_VERIFY_TOKEN", needed=WHATSAPP_PROVIDER == "meta"
)  # we choose it: docs/providers.md
WHATSAPP_TEMPLATES = env.json("WHATSAPP_TEMPLATES", default={})  # {"kind": {"language": "template_name"}}
WHATSAPP_API_VERSION = env.str("WHATSAPP_API_VERSION", default="v23.0")
WHATSAPP_API_URL = env.str("WHATSAPP_API_URL", default="")

# Email: by SMTP, by django-anymail, or by an API that takes an idempotency key
EMAIL_ESP = env.str("EMAIL_ESP", default="")  # django-anymail's name of an email service provider, in EMAIL_URL's place
EMAIL_PROVIDER = choice("EMAIL_PROVIDER", default="", among=("", "resend"))
require(not (EMAIL_ESP and EMAIL_PROVIDER), unmet="EMAIL_ESP and EMAIL_PROVIDER are set: choose one")
_NEEDS_SMTP = _CONSOLE == "" and not (EMAIL_ESP or EMAIL_PROVIDER)
EMAIL_URL = secret("EMAIL_URL", needed=_NEEDS_SMTP, default="consolemail://")
RESEND_API_KEY = secret("RESEND_API_KEY", needed=EMAIL_PROVIDER == "resend")
RESEND_WEBHOOK_SECRET = secret("RESEND_WEBHOOK_SECRET", needed=EMAIL_PROVIDER == "resend")
RESEND_API_URL = env.str("RESEND_API_URL", default="")

# Push messages to browsers: off without a key
WEBPUSH_PUBLIC_KEY = env.str("WEBPUSH_PUBLIC_KEY", default="")  # what browsers sign up with
WEBPUSH_PRIVATE_KEY = secret("WEBPUSH_PRIVATE_KEY", needed=bool(WEBPUSH_PUBLIC_KEY))
WEBPUSH_CONTACT = secret("WEBPUSH_CONTACT", needed=bool(WEBPUSH_PUBLIC_KEY))  # mailto:us@example.com, or our page
WEBPUSH_SERVICES = env.list("WEBPUSH_SERVICES", default=[])  # others in the browsers' services' place: the sandbox
WEBPUSH = {"webpush": "notifications.channels.webpush.WebPushChannel"} if WEBPUSH_PUBLIC_KEY else {}

OUTBOX_CHANNELS = {
    "sms": SMS_PROVIDERS.get(SMS_PROVIDER, CONSOLE),
    "whatsapp": WHATSAPP_PROVIDERS.get(WHATSAPP_PROVIDER, CONSOLE),
    "email": EMAIL_PROVIDERS["esp" if EMAIL_ESP else EMAIL_PROVIDER],
    **WEBPUSH,
}
# By channel: a provider's name, or EMAIL_URL.
providers = {
    "sms": SMS_PROVIDER,
    "whatsapp": WHATSAPP_PROVIDER,
    "email": "anymail" if EMAIL_ESP else EMAIL_PROVIDER or EMAIL_URL,
}

# India's register of senders and wordings: channels/dlt.py
SMS_DLT_ENTITY_ID = env.str("SMS_DLT_ENTITY_ID", default="")
SMS_DLT_TEMPLATES = env.json("SMS_DLT_TEMPLATES", default={})  # {"kind": {"language": "1107…"}}
