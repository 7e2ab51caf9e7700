"""Codes by which somebody who is not signed in proves an address: to sign up, to sign in, or to set a new password.
A customer who is signed in closes the account by one.

Every address is sent a code, and every answer is the same, whether it has an account or not. What there is behind an
address is said only to who has entered its code. Asking makes no account, and no session: what was asked for goes to
the client and comes back signed, so nobody can guess at a code that somebody else asked for.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Self

from django.core import signing

from bookings import announcements
from bookings.errors import InvalidCode, LimitReached
from notifications import verification
from notifications.shards import within_shard
from notifications.verification import Proof

SALT = "bookings.access_codes"
MOST_SECONDS = 3600  # how long a client may come back with what it asked for; the code itself ends earlier


class Purpose(StrEnum):
    """What a code is for. The message says it, and the code is good for nothing else."""

    SIGN_UP = "signup"
    SIGN_IN = "signin"
    RESET = "reset"
    CLOSE = "close"
    GUEST = "guest"


@dataclass(frozen=True, slots=True)
class Asked:
    """A code that was asked for: what for, the address that it went to, and its ID.

    `code` is the code itself, for a browser that followed the link beside it.
    """

    purpose: str
    address: str
    code_id: int
    code: str = ""

    def signed(self) -> str:
        """For the client to keep."""
        return signing.dumps(asdict(self), salt=within_shard(SALT))

    @classmethod
    def of(cls, signed: str, *, purpose: Purpose) -> Self:
        """What the client kept. Raises InvalidCode if we did not sign it, or for another purpose, or long ago."""
        try:
            asked = cls(**signing.loads(signed, salt=within_shard(SALT), max_age=MOST_SECONDS))
        except (signing.BadSignature, TypeError) as error:
            raise InvalidCode from error
        if asked.purpose != purpose:
            raise InvalidCode
        return asked


def ask(purpose: Purpose, address: str, *, locale: str = "") -> Asked:
    """Send a code to an email address or a phone number. Raises outbox.InvalidContact, LimitReached."""
    to = verification.address_in(address, locale=locale)
    try:
        code_id = announcements.access_code(to, purpose=purpose)
    except verification.TooManyCodes as error:
        raise LimitReached("too_many_codes", retry_after=error.retry_after) from error
    return Asked(purpose.value, to.phone or to.email, code_id)


def spend(asked: Asked, code: str) -> Proof | None:
    """The proof that the code gives, once; None if it is wrong. In a transaction that commits: the guess counts."""
    return verification.spend_code(asked.code_id, "".join(code.split()))
