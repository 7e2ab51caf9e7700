"""The project's settings, with the templates of the tests' own kinds beside the project's."""

from config.settings import *  # noqa: F403
from config.settings import AUTHENTICATION_BACKENDS, BASE_DIR, TEMPLATES

TEMPLATES = [{**TEMPLATES[0], "DIRS": [BASE_DIR / "tests" / "templates"]}]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Tests publish more to one recipient than a person gets; those about caps set their own.
OUTBOX_CAP_RECIPIENT_HOUR = OUTBOX_CAP_RECIPIENT_DAY = OUTBOX_CAP_NUMBER_HOUR = OUTBOX_CAP_NUMBER_DAY = 0
AUTHENTICATION_BACKENDS = [AUTHENTICATION_BACKENDS[0], "tests.stage.backends.ForcedLogin", *AUTHENTICATION_BACKENDS[1:]]
OUTBOX_SENDS_IN_TESTS = True  # the channels are what is tested, at stand-ins of their providers
