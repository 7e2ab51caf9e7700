"""A service's environment in production, but for TLS in front, which no test has."""

PRODUCTION = {
    "DJANGO_DEBUG": "0",
    "DJANGO_SECRET_KEY": "a key of the tests, long and random enough to sign with",
    "DJANGO_ALLOWED_HOSTS": "localhost,127.0.0.1",
    "DJANGO_SSL_REDIRECT": "0",
    "PAYMENT_GATEWAY": "sandbox",
    "ALLOW_UNPAID_BOOKINGS": "1",
    "SANDBOX_GATEWAY_SECRET": "unless a test has one",
    "SMS_PROVIDER": "console",
    "WHATSAPP_PROVIDER": "console",
    "EMAIL_URL": "consolemail://",
    "ALLOW_PRINTED_MESSAGES": "sms,whatsapp,email",
}
