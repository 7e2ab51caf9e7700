"""A service's environment in production, but for TLS in front, which no test has."""

PRODUCTION = {
    "DJANGO_DEBUG": "0",
    "DJANGO_SECRET_KEY": "a key of the tests, long and random enough to sign with",
    "DJANGO_ALLOWED_HOSTS": "localhost,127.0.0.1",
    "DJANGO_SSL_REDIRECT": "0",
    "EMAIL_URL": "consolemail://",
    "SANDBOX_GATEWAY_SECRET": "unless a test has one",
}
