"""The project's settings for the demo: its logins are printed for everybody, so hashing them may be quick."""

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
