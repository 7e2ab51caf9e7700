"""The codes that confirm addresses: six digits, made of a verification's ID and a key of the project, and kept nowhere.

A copy of the database tells no code. Another key makes open codes invalid; they hold for minutes anyway.
"""

import hmac

from notifications import conf

DIGITS = 6
SALT = "notifications.verification"


def code_of(verification: int) -> str:
    """The code of the verification with this ID."""
    digest = hmac.digest(conf.link_keys()[0].encode(), f"{SALT}:{verification}".encode(), "sha256")
    return f"{int.from_bytes(digest[:8]) % 10**DIGITS:0{DIGITS}}"
