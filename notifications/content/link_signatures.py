"""Short signatures for links that work without a login: 72 bits, so that a link fits into an SMS.

The relay makes them when a message is sent, and web processes read them: both know the keys of links (OUTBOX_LINK_KEY).
A copy of the database makes no link. What an earlier key signed still works. A shard's links are good in it alone.
"""

import base64
import hmac
from collections.abc import Iterator

from django.core import signing
from django.utils.http import base36_to_int, int_to_base36

from notifications import conf
from notifications.content.until_settings_change import until_settings_change
from notifications.shards import within_shard

BYTES = 9  # nobody guesses 72 bits over a network; as text they are 12 characters


def signature(value: str, *, salt: str) -> str:
    """What proves in a link that we made it of `value`. `salt` names what it is for: it is good for nothing else."""
    return next(_signatures(value, salt=salt))


def is_signature(text: str, value: str, *, salt: str) -> bool:
    """Whether `text` is the signature of `value`, by any of the keys."""
    given = text.encode()
    return any(hmac.compare_digest(given, right.encode()) for right in _signatures(value, salt=salt))


def signed_number(number: int, *, salt: str) -> str:
    """What an address carries to name a row: its number, and the signature."""
    return f"{int_to_base36(number)}-{signature(str(number), salt=salt)}"


def number_of(token: str, *, salt: str) -> int | None:
    """The number that `signed_number` has put into `token`; None if we did not make it."""
    written, _, signed = token.partition("-")
    try:
        number = base36_to_int(written)
    except ValueError:
        return None
    return number if is_signature(signed, str(number), salt=salt) else None


def link_signer(salt: str) -> signing.Signer:
    """For links that name more than a row. It signs with the first of the keys, and reads what any of them signed."""
    key, *earlier = conf.link_keys()
    return signing.Signer(key=key, fallback_keys=[*earlier], salt=within_shard(salt))


def _signatures(value: str, *, salt: str) -> Iterator[str]:
    signed_for = f"notifications.link:{within_shard(salt)}:{value}".encode()
    for key in _keys():
        signed = key.copy()
        signed.update(signed_for)
        yield base64.urlsafe_b64encode(signed.digest()[:BYTES]).decode()


@until_settings_change
def _keys() -> list[hmac.HMAC]:
    """The keys of links, ready to sign with."""
    return [hmac.new(key.encode(), digestmod="sha256") for key in conf.link_keys()]
