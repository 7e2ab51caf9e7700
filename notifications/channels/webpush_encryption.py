"""What web push needs of cryptography: messages that only the browser can read, and who we are to its push service.

Encryption is RFC 8291 with one record of RFC 8188 (`aes128gcm`). Who we are is RFC 8292 (VAPID): a token of ES256 that
holds for one push service for some hours. The library `cryptography` does the mathematics. `pywebpush` would bring
two HTTP clients besides, one of them asynchronous, and sends by itself, past our deadline.
"""

import json
import os
import time
from collections.abc import Callable
from threading import Lock

from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from notifications.policy.push import padless, unpadded

RECORD = 4096  # bytes, the body's length at most: more a push service need not take (RFC 8030, 7.2)
HEAD, TAG = 16 + 4 + 1 + 65, 16
MOST_PLAIN = RECORD - HEAD - TAG - 1  # bytes: one ends the text
TOKEN_SECONDS = 12 * 3600.0  # at most 24 hours (RFC 8292, 2)
RENEWED_BEFORE = 3600.0


def new_private_key() -> str:
    """A new key for VAPID, as WEBPUSH_PRIVATE_KEY has it."""
    return padless(ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value.to_bytes(32, "big"))


def private_key(text: str) -> ec.EllipticCurvePrivateKey:
    """Raises ValueError for what is no private key of P-256 in base64url."""
    content = unpadded(text)
    if len(content) != 32:
        raise ValueError("A private key has 32 bytes.")
    return ec.derive_private_key(int.from_bytes(content, "big"), ec.SECP256R1())


def public_point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def public_key_of(text: str) -> str:
    """The public key that browsers sign up with, of the private key in `text`. Raises ValueError."""
    return padless(public_point(private_key(text)))


def encrypt(
    plain: bytes,
    *,
    p256dh: str,
    auth: str,
    salt: bytes = b"",
    key: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """The body of a push message that only the browser with these keys can read. Raises ValueError for bad keys.

    `salt` and `key` are new for each message; tests give those of the RFC's example.
    """
    salt, key = salt or os.urandom(16), key or ec.generate_private_key(ec.SECP256R1())
    theirs, ours = unpadded(p256dh), public_point(key)
    shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
    keyed = _expand(_extract(unpadded(auth), shared), b"WebPush: info\x00" + theirs + ours, 32)
    drawn = _extract(salt, keyed)
    content_key = _expand(drawn, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _expand(drawn, b"Content-Encoding: nonce\x00", 12)
    head = salt + RECORD.to_bytes(4, "big") + bytes([len(ours)]) + ours
    return head + AESGCM(content_key).encrypt(nonce, plain + b"\x02", None)


class Vapid:
    """Says who we are to push services. Tokens are kept for hours: a signature takes as long as the rest of a send."""

    def __init__(self, key: str, *, contact: str, clock: Callable[[], float] = time.time) -> None:
        self._key = private_key(key)
        self._contact = contact
        self._clock = clock
        self._lock = Lock()
        self._tokens: dict[str, tuple[float, str]] = {}
        self.public_key = padless(public_point(self._key))

    def authorization(self, origin: str) -> str:
        """The header's value for the push service at `origin`."""
        now = self._clock()
        with self._lock:
            ends_at, token = self._tokens.get(origin, (0.0, ""))
            if ends_at - now < RENEWED_BEFORE:
                ends_at = now + TOKEN_SECONDS
                token = self._token(origin, ends_at)
                self._tokens[origin] = ends_at, token
        return f"vapid t={token}, k={self.public_key}"

    def _token(self, origin: str, ends_at: float) -> str:
        claims = {"aud": origin, "exp": int(ends_at), "sub": self._contact}
        signed = ".".join(padless(json.dumps(each).encode()) for each in ({"typ": "JWT", "alg": "ES256"}, claims))
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{padless(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _extract(salt: bytes, secret: bytes) -> bytes:
    """HKDF's first step alone: the RFC runs the second one with other words."""
    made = hmac.HMAC(salt, hashes.SHA256())
    made.update(secret)
    return made.finalize()


def _expand(key: bytes, info: bytes, length: int) -> bytes:
    return HKDFExpand(hashes.SHA256(), length, info).derive(key)
