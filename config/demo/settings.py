"""The demo's settings: passwords are hashed quickly, because the demo prints them anyway."""

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
